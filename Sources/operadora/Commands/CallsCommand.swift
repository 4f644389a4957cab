import Calls
import Platform
import Postgres

extension CallStatus: ExpressibleByArgument {}
extension CallOutcome: ExpressibleByArgument {}

struct CallsCommand: ParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "calls", abstract: "List calls, or show one with everything that was said and done.",
            discussion: """
                EXAMPLE:
                  operadora calls list --campaign "Spring" --outcome meeting_scheduled
                  operadora calls show 17
                """,
            subcommands: [List.self, CallsShow.self])
    }

    struct List: AsyncParsableCommand {
        static var configuration: CommandConfiguration {
            CommandConfiguration(
                commandName: "list", abstract: "List calls, the newest first.",
                discussion: "EXAMPLE:\n  operadora calls list --campaign \"Spring\" --status in_progress")
        }
        @Option(help: "Only those of this campaign.", valueName: "name or number") var campaign: String?
        @Option(help: "Only those in this status.") var status: CallStatus?
        @Option(help: "Only those with this outcome.") var outcome: CallOutcome?
        @Option(help: "At most so many.", valueName: "number") var limit = 50
        @OptionGroup var output: OutputOptions

        func validate() throws {
            guard (1...100_000).contains(limit) else {
                throw ValidationError("The value '\(limit)' is invalid for '--limit <number>': it must be 1 to 100000")
            }
        }

        func run() async throws {
            try await Database.with { client in
                var campaignID: Int64?
                if let campaign { campaignID = try await CampaignReference.find(campaign, client).id }
                output.print(
                    try await rows(campaignID, client),
                    [
                        .init("id", alignsRight: true), .init("campaign"), .init("lead"), .init("phone"),
                        .init("direction"), .init("status"), .init("outcome"), .init("started_at"),
                        .init("seconds", alignsRight: true), .init("turns", alignsRight: true), .init("summary"),
                    ])
            }
        }

        private func rows(_ campaignID: Int64?, _ client: PostgresClient) async throws -> [JSON] {
            try await client.query(
                """
                SELECT to_jsonb(shown) FROM (
                    SELECT calls.id, campaigns.name AS campaign, leads.name AS lead, calls.direction, calls.status,
                        CASE calls.direction WHEN 'inbound' THEN calls.from_phone ELSE calls.to_phone END AS phone,
                        calls.outcome,
                        to_char(calls.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS started_at,
                        calls.duration_seconds AS seconds, calls.summary,
                        (SELECT count(*) FROM turns WHERE call_id = calls.id) AS turns
                    FROM calls
                    LEFT JOIN campaigns ON campaigns.id = calls.campaign_id
                    LEFT JOIN leads ON leads.id = calls.lead_id
                    WHERE (calls.campaign_id = \(campaignID) OR \(campaignID) IS NULL)
                        AND (calls.status = \(status?.rawValue) OR \(status?.rawValue) IS NULL)
                        AND (calls.outcome = \(outcome?.rawValue) OR \(outcome?.rawValue) IS NULL)
                    ORDER BY calls.id DESC LIMIT \(limit)) AS shown
                """
            ).map { try $0.decode(JSON.self) }
        }
    }
}
