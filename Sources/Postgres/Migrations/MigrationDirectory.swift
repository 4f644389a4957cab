import FoundationEssentials
import Platform

/// The migrations of a directory: `NNN_name.up.sql` and `NNN_name.down.sql`, numbered from 1 without gaps.
struct MigrationDirectory: Sendable {
    struct Entry: Sendable {
        let migration: Migrator.Migration
        let up: String
        let down: String

        /// `001_jobs`, the name of its files.
        var label: String { migration.label }
    }

    /// In the order of their numbers.
    let entries: [Entry]

    /// Throws `MigrationError` that names the file that is wrong.
    init(path: String) throws {
        let files: [String]
        do {
            files = try FileManager.default.contentsOfDirectory(atPath: path)
        } catch {
            throw MigrationError("cannot read the migrations directory \(path): \(error)")
        }
        var halves: [Int: [(name: String, direction: String, file: String)]] = [:]
        for file in files.sorted() where file.hasSuffix(".sql") && !file.hasPrefix(".") {
            let (number, name, direction) = try Self.parse(file)
            halves[number, default: []].append((name, direction, file))
        }
        entries = try halves.sorted { $0.key < $1.key }.enumerated().map { index, numbered in
            guard numbered.key == index + 1 else {
                throw MigrationError(
                    "\(path): \(numbered.value[0].file) follows a gap, number \(Self.padded(index + 1)) is missing")
            }
            let names = Set(numbered.value.map(\.name)).sorted()
            guard names.count == 1 else {
                throw MigrationError(
                    "\(path): number \(Self.padded(index + 1)) is taken twice: \(names.joined(separator: ", "))")
            }
            for direction in ["up", "down"] where !numbered.value.contains(where: { $0.direction == direction }) {
                throw MigrationError("\(path): \(numbered.value[0].file) has no \(direction) half beside it")
            }
            return try Self.entry(index + 1, names[0], in: path)
        }
    }

    private static func entry(_ number: Int, _ name: String, in path: String) throws -> Entry {
        func text(_ direction: String) throws -> String {
            let file = "\(path)/\(padded(number))_\(name).\(direction).sql"
            do {
                return try String(contentsOfFile: file, encoding: .utf8)
            } catch {
                throw MigrationError("cannot read \(file): \(error)")
            }
        }
        let up = try text("up")
        let checksum = Cryptography.sha256(up.utf8).hexadecimal
        return Entry(
            migration: Migrator.Migration(number: number, name: name, checksum: checksum), up: up,
            down: try text("down"))
    }

    private static func parse(_ file: String) throws -> (Int, String, String) {
        let parts = file.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        let stem = parts[0].split(separator: "_", maxSplits: 1).map(String.init)
        guard parts.count == 3, ["up", "down"].contains(parts[1]), stem.count == 2, stem[0].count == 3,
            stem[0].utf8.allSatisfy({ (48...57).contains($0) }), let number = Int(stem[0])
        else { throw MigrationError("\(file) is not named like 001_name.up.sql or 001_name.down.sql") }
        return (number, stem[1], parts[1])
    }

    static func padded(_ number: Int) -> String {
        String(repeating: "0", count: max(0, 3 - String(number).count)) + String(number)
    }
}

extension Migrator.Migration {
    var label: String { "\(MigrationDirectory.padded(number))_\(name)" }
}

/// Why migrations cannot be read or applied.
public struct MigrationError: Error, Sendable, CustomStringConvertible {
    public let message: String
    /// The server's refusal, when that was it.
    public let cause: PostgresError?
    public var description: String { message }

    init(_ message: String, cause: PostgresError? = nil) {
        self.message = message
        self.cause = cause
    }
}
