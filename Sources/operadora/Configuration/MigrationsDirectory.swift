import FoundationEssentials
import Platform

/// Where the numbered SQL files are: as configured, else installed with the executable, else in the checkout.
enum MigrationsDirectory {
    static func find(_ configured: String?) throws -> String {
        let candidates = configured.map { [$0] } ?? usualPlaces()
        if let found = candidates.first(where: hasMigrations) { return found }
        throw ConfigurationError(problems: [
            configured.map {
                "MIGRATIONS_DIR is \"\($0)\": no file 001_….up.sql is there; set it to the directory migrations"
            }
                ?? "MIGRATIONS_DIR is not set, and no directory migrations is beside the executable or in the "
                + "working directory: set it to the directory migrations of the release"
        ])
    }

    private static func usualPlaces() -> [String] {
        let executable = (try? OwnExecutable.path()) ?? ""
        let directory = executable.split(separator: "/").dropLast()
        // A build lies some levels below its checkout: .build/<triple>/release/operadora.
        let ancestors = (0...min(4, directory.count)).map { "/" + directory.dropLast($0).joined(separator: "/") }
        let beside = ancestors.map { "\($0)/migrations" }
        return [ancestors[0] + "/../share/operadora/migrations"] + beside + ["migrations"]
    }

    private static func hasMigrations(_ directory: String) -> Bool {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        return names.contains { $0.hasPrefix("001_") && $0.hasSuffix(".up.sql") }
    }
}
