import Platform
import Postgres

struct CampaignCommand: ParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "campaign", abstract: "Create campaigns, start and stop them, see how they go.",
            discussion: """
                EXAMPLE:
                  operadora campaign create "Spring" --language es --country MX --timezone America/Mexico_City
                  operadora campaign launch "Spring"
                  operadora campaign status "Spring"
                """,
            subcommands: [CampaignCreate.self, Launch.self, Pause.self, Resume.self, CampaignStatus.self])
    }

    struct Launch: AsyncParsableCommand {
        static var configuration: CommandConfiguration {
            CommandConfiguration(
                commandName: "launch", abstract: "Enqueue a call to every lead that is not called yet.",
                discussion: """
                    Launching again calls only the leads that came since.

                    EXAMPLE:
                      operadora campaign launch "Spring"
                    """)
        }
        @Argument(help: "Name or number of the campaign.") var campaign: String

        func run() async throws {
            try await Database.with { client in
                let campaign = try await CampaignReference.find(campaign, client)
                let count = try await client.withTransaction { connection in
                    // A million leads are more than the limit of a statement that somebody waits for.
                    try await connection.liftStatementTimeout()
                    return try await connection.query("SELECT launch_campaign(\(campaign.id))").first?.decode(Int.self)
                }
                let status = try await campaign.status(client)
                Console.print("Campaign \"\(campaign.name)\" is \(status); \(count ?? 0) calls were enqueued.")
            }
        }
    }

    struct Pause: AsyncParsableCommand {
        static var configuration: CommandConfiguration {
            CommandConfiguration(
                commandName: "pause", abstract: "Dial nobody until it is resumed; calls under way go on.",
                discussion: "EXAMPLE:\n  operadora campaign pause \"Spring\"")
        }
        @Argument(help: "Name or number of the campaign.") var campaign: String

        func run() async throws {
            try await Database.with { client in
                let campaign = try await CampaignReference.find(campaign, client)
                let change = try await client.query("SELECT pause_campaign(\(campaign.id))").first
                let isChanged = try change?.decode(Bool.self) ?? false
                switch isChanged ? "paused" : try await campaign.status(client) {
                case "paused": Console.print("Campaign \"\(campaign.name)\" is paused\(isChanged ? "" : " already").")
                case let status: throw campaign.idleness(status)
                }
            }
        }
    }

    struct Resume: AsyncParsableCommand {
        static var configuration: CommandConfiguration {
            CommandConfiguration(
                commandName: "resume", abstract: "Go on with a paused campaign.",
                discussion: "EXAMPLE:\n  operadora campaign resume \"Spring\"")
        }
        @Argument(help: "Name or number of the campaign.") var campaign: String

        func run() async throws {
            try await Database.with { client in
                let campaign = try await CampaignReference.find(campaign, client)
                let change = try await client.query("SELECT resume_campaign(\(campaign.id))").first
                let isChanged = try change?.decode(Bool.self) ?? false
                switch isChanged ? "running" : try await campaign.status(client) {
                case "running": Console.print("Campaign \"\(campaign.name)\" runs \(isChanged ? "again" : "already").")
                case let status: throw campaign.idleness(status)
                }
            }
        }
    }
}
