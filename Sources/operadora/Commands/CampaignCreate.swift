import Calls
import Platform
import Postgres

enum Language: String, CaseIterable, ExpressibleByArgument { case en, es, pt }

/// `operadora campaign create`.
struct CampaignCreate: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "create", abstract: "Create a campaign, in draft until it is launched.",
            discussion: """
                EXAMPLE:
                  operadora campaign create "Spring" --language es --country MX --timezone America/Mexico_City \\
                      --instructions "Offer a demo of our product." --calling-window "mon-fri 09:00-20:00"
                """)
    }

    @Argument(help: "Its name, not of digits alone; no two campaigns share one, in upper or lower case.")
    var name: String
    @Option(help: "What leads without a language are spoken to in.") var language: Language?
    @Option(help: "Time zone of leads without one, such as America/Mexico_City.") var timezone: String?
    @Option(help: "Country of phone numbers without a country code: two letters, such as MX.") var country: String?
    @Option(help: "What the agent shall do, in your words.", valueName: "text") var instructions = ""
    @Option(help: "What the agent says first; made up by itself when not given.", valueName: "text")
    var greeting: String?
    @Option(
        help: "Names of the tools it may use, separated by commas, or none; all when not given.", valueName: "names")
    var tools: String?
    @Option(help: "Calls to this number of ours belong to the campaign.", valueName: "number") var inboundNumber:
        String?
    @Option(help: "How many calls may be under way at once.", valueName: "number") var maxConcurrentCalls = 10
    @Option(help: "How many calls may be begun in a second.", valueName: "number") var callsPerSecond = 1.0
    @Option(help: "When to call, in each lead's time zone, or any.", valueName: "hours")
    var callingWindow = "mon-fri 09:00-20:00"
    @Option(
        help: #"After how long to dial again, by outcome, such as {"busy":["5m","30m"]}; {} is never."#,
        valueName: "json")
    var redial: String?
    @OptionGroup var output: OutputOptions

    private var trimmedName: String { String(name.trimmed) }

    func validate() throws {
        guard (1...200).contains(trimmedName.unicodeScalars.count) else {
            throw ValidationError("'<name>' must have 1 to 200 characters other than white space at its ends")
        }
        if trimmedName.allSatisfy({ ("0"..."9").contains($0) }) {
            throw ValidationError(
                "'\(trimmedName)' is digits alone, which stand for the campaign of that number: add a word to the name")
        }
        if let timezone, Zone(identifier: timezone) == nil {
            throw ValidationError(
                "'--timezone \(timezone)' is not a time zone: it must be one such as America/Mexico_City")
        }
        if let country, !PhoneNumber.isKnown(country: country.uppercased()) {
            throw ValidationError("'--country \(country)' is not a country: it must be two letters, such as MX")
        }
        guard (1...100_000).contains(maxConcurrentCalls) else {
            throw ValidationError("'--max-concurrent-calls \(maxConcurrentCalls)' must be 1 to 100000")
        }
        guard callsPerSecond > 0, callsPerSecond <= 10_000 else {
            throw ValidationError("'--calls-per-second \(callsPerSecond)' must be above 0 and at most 10000")
        }
        if callingWindow != "any" {
            do { _ = try WeeklyHours(callingWindow) } catch { throw ValidationError("'--calling-window': \(error)") }
        }
        if let redial, (try? JSON(parsing: redial))?.object == nil {
            throw ValidationError(#"'--redial' is not a JSON object such as {"busy":["5m","30m"],"no_answer":["1h"]}"#)
        }
        if let tools, tools != "none" { try check(tools.split(separator: ",").map { String($0.trimmed) }) }
        if let inboundNumber, !inboundNumber.isE164 {
            throw ValidationError("'--inbound-number \(inboundNumber)' is not an E.164 number such as +12125550123")
        }
    }

    private func check(_ tools: [String]) throws {
        let known = try ToolInventory.rows(Configuration.load(needs: [])).map(\.name)
        if let unknown = tools.first(where: { !known.contains($0) }) {
            throw ValidationError("'--tools': there is no \(unknown), but \(known.joined(separator: ", ")), or none")
        }
    }

    func run() async throws {
        try await Database.with { client in
            let same = try await client.query(
                "SELECT name FROM campaigns WHERE lower(name) = lower(\(trimmedName)) LIMIT 1")
            if let same = try same.first?.decode(String.self) {
                throw CommandFailure("there is already a campaign \"\(same)\"")
            }
            let row: JSON
            do {
                row = try await insert(client)
            } catch let error as PostgresError where error.constraint != nil {
                throw CommandFailure(complaint(error))
            }
            if output.json { return Console.print(row.text) }
            Console.print("Campaign \"\(trimmedName)\" was created as number \(row["id"]?.integer ?? 0), in draft.")
        }
    }

    private func insert(_ client: PostgresClient) async throws -> JSON {
        let tools = tools.map { $0 == "none" ? [] : $0.split(separator: ",").map { String($0.trimmed) } }
        let window = callingWindow == "any" ? nil : callingWindow
        let redial = try redial.map { try JSON(parsing: $0) }
        let rows = try await client.query(
            """
            INSERT INTO campaigns (name, language, timezone, country, instructions, greeting, tools, inbound_number,
                max_concurrent_calls, calls_per_second, calling_window, redial)
            VALUES (\(trimmedName), \(language?.rawValue), \(timezone), \(country?.uppercased()), \(instructions), \(greeting),
                \(tools), \(inboundNumber), \(maxConcurrentCalls), \(callsPerSecond), \(window),
                coalesce(\(redial), '{"busy":["5m","30m"],"no_answer":["1h","4h"]}'))
            RETURNING to_jsonb(campaigns) - 'webhook_secret'
            """)
        return try rows.first?.decode(JSON.self) ?? .null
    }

    /// The constraints' names are sentences.
    private func complaint(_ error: PostgresError) -> String {
        let sentence = (error.constraint ?? "").replacing("_", with: " ")
        // Somebody else may have made it since it was looked for.
        return error.constraint == "campaign_name_is_unique"
            ? "there is already a campaign \"\(trimmedName)\""
            : "the campaign was not created, because this would not hold: \(sentence)"
    }
}
