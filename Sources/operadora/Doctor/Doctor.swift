import HTTP
import Jobs
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
        let broken = Set(problems.filter { $0.state == .failed }.map(\.check))
        let quiet = configuration.log.logger("operadora.doctor", level: .critical)
        add(await database(configuration, broken, logger: quiet))
        add(await providers(configuration, broken, logger: quiet))
        return findings
    }

    private func providers(_ configuration: Configuration, _ broken: Set<String>, logger: Logger) async -> [Finding] {
        let http = HTTPClient(logger: logger)
        let calendar = Assembly.googleCalendar(configuration.calendar, http)
        let checks = ProviderChecks(configuration: configuration, http: http, googleCalendar: calendar)
        var findings = [
            await unless(broken, "PUBLIC_URL", needs: ["PUBLIC_URL"], checks.publicURL),
            await unless(
                broken, "Twilio", needs: ["TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_API_BASE_URL"],
                checks.twilio),
            await unless(
                broken, "language model", needs: ["LANGUAGE_MODEL", "OPENAI_API_KEY", "OPENAI_BASE_URL", "BAML_URL"],
                configuration.model.kind == .baml ? checks.baml : checks.languageModel),
            await unless(broken, "calendar", needs: ["GOOGLE_CREDENTIALS_FILE"], checks.calendar),
            await checks.mail(), await checks.mikrotik(),
        ]
        if let fallback = await checks.fallbackModel() { findings.append(fallback) }
        await http.shutDown()
        return findings
    }

    /// The configuration as far as it can be read, and each thing that is wrong with it.
    private static func configuration() -> (Configuration, [Finding]) {
        var reader = EnvironmentReader(Environment.read())
        let configuration = Configuration(&reader, needs: [.database, .webhooks, .providers])
        let findings = reader.problems.map { problem in
            let name = problem.prefix { $0 != " " }
            return Finding.failed(String(name), String(problem.dropFirst(name.count + 1)), "")
        }
        return (configuration, findings.isEmpty ? [.ok("configuration", "complete")] : findings)
    }

    private func unless(
        _ broken: Set<String>, _ check: String, needs: [String], _ body: () async -> Finding
    ) async -> Finding {
        let missing = needs.filter(broken.contains)
        guard !missing.isEmpty else { return await body() }
        return .skipped(
            check, "not checked before \(missing.joined(separator: " and ")) \(missing.count == 1 ? "is" : "are") right"
        )
    }

    private func database(_ configuration: Configuration, _ broken: Set<String>, logger: Logger) async -> [Finding] {
        guard !broken.contains("DATABASE_URL") else {
            return [.skipped("database", "not checked before DATABASE_URL is right")]
        }
        let database: Database
        do {
            database = try Database(configuration, applicationName: "operadora doctor", logger: logger)
        } catch {
            return [.failed("migrations", "\(error)", "")]
        }
        let findings = await examine(database, configuration.alarms)
        await database.client.close()
        return findings
    }

    /// One finding for each threshold that is crossed now, or one that none is.
    private func alarms(_ client: PostgresClient, _ thresholds: AlarmThresholds) async -> [Finding] {
        do {
            let raised = try await QueueAlarm.all(client, thresholds).filter(\.isRaised)
            guard !raised.isEmpty else { return [.ok("alarms", "none")] }
            return raised.map { alarm in
                let name = alarm.queue.isEmpty ? alarm.name : "\(alarm.name) of \(alarm.queue)"
                return .failed("alarm \(name)", alarm.finding, alarm.advice)
            }
        } catch {
            return [.failed("alarms", "\(error)", "look at the log of PostgreSQL")]
        }
    }

    private func examine(_ database: Database, _ thresholds: AlarmThresholds) async -> [Finding] {
        let version: String
        do {
            version = try await database.client.query("SHOW server_version").first?.decode(String.self) ?? ""
        } catch {
            return [.failed("database", "\(error)", "look at DATABASE_URL, and whether PostgreSQL runs there")]
        }
        let reached = Finding.ok("database", "PostgreSQL \(version) answers")
        do {
            let status = try await database.migrator.status(database.client)
            if let refusal = status.refusal {
                return [reached, .failed("migrations", refusal, "run the release that made this schema")]
            }
            let pending = status.pending
            guard pending.isEmpty else {
                return [reached, .failed("migrations", "\(pending.count) are missing", "run operadora migrate up")]
            }
            return [reached, .ok("migrations", "all applied")] + (await alarms(database.client, thresholds))
        } catch {
            return [reached, .failed("migrations", "\(error)", "run the release that made this schema")]
        }
    }
}
