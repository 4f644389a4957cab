import HTTP
import Platform
import Postgres

/// Checks each dependency by itself, so that one that is broken does not hide the others.
struct Doctor {
    /// Returns what was found, and reports each finding as soon as it is there.
    func findings(_ report: (Finding) -> Void) async -> [Finding] {
        var findings: [Finding] = []
        func add(_ new: [Finding]) {
            findings += new
            new.forEach(report)
        }
        let (configuration, problems) = Self.configuration()
        add(problems)
        guard let configuration else { return findings }
        let quiet = configuration.log.logger("operadora.doctor", level: .critical)
        add(await database(configuration, logger: quiet))
        let http = HTTPClient(logger: quiet)
        let checks = ProviderChecks(configuration: configuration, http: http)
        let broken = Set(problems.filter { $0.state == .failed }.map(\.check))
        add([await unless(broken.contains("PUBLIC_URL"), "PUBLIC_URL", checks.publicURL)])
        add([await unless(broken.contains { $0.hasPrefix("TWILIO") }, "Twilio", checks.twilio)])
        add([await unless(broken.contains { $0.hasPrefix("OPENAI") }, "language model", checks.languageModel)])
        await http.shutDown()
        return findings
    }

    /// The configuration as far as it can be read, and each thing that is wrong with it.
    private static func configuration() -> (Configuration?, [Finding]) {
        do {
            let all = try Configuration.load(needs: [.database, .webhooks, .providers])
            return (all, [.ok("configuration", "complete")])
        } catch let error as ConfigurationError {
            let findings = error.problems.map { problem in
                let name = problem.prefix { $0 != " " }
                return Finding.failed(String(name), String(problem.dropFirst(name.count + 1)), "")
            }
            // What is missing is known now; what is wrong leaves nothing to check the rest with.
            return (try? Configuration.load(needs: []), findings)
        } catch {
            return (nil, [.failed("configuration", "\(error)", "")])
        }
    }

    private func unless(
        _ isBroken: Bool, _ check: String, _ body: () async -> Finding
    ) async -> Finding {
        isBroken ? .skipped(check, "not checked before its variables are set") : await body()
    }

    private func database(_ configuration: Configuration, logger: Logger) async -> [Finding] {
        guard !configuration.databaseURL.reveal().isEmpty else {
            return [.skipped("database", "not checked before DATABASE_URL is set")]
        }
        let database: Database
        do {
            database = try Database(configuration, applicationName: "operadora doctor", logger: logger)
        } catch {
            return [.failed("migrations", "\(error)", "")]
        }
        let findings = await examine(database)
        await database.client.close()
        return findings
    }

    private func examine(_ database: Database) async -> [Finding] {
        let version: String
        do {
            version = try await database.client.query("SHOW server_version").first?.decode(String.self) ?? ""
        } catch {
            return [.failed("database", "\(error)", "look at DATABASE_URL, and whether PostgreSQL runs there")]
        }
        let reached = Finding.ok("database", "PostgreSQL \(version) answers")
        do {
            let pending = try await database.migrator.status(database.client).pending
            return pending.isEmpty
                ? [reached, .ok("migrations", "all applied")]
                : [reached, .failed("migrations", "\(pending.count) are missing", "run operadora migrate up")]
        } catch {
            return [reached, .failed("migrations", "\(error)", "run the release that made this schema")]
        }
    }
}
