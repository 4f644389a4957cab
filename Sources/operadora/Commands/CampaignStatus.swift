import Calls
import Platform
import Postgres

/// `operadora campaign status`: the funnel of one campaign or of all.
struct CampaignStatus: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "status", abstract: "Show the funnel of a campaign, or of all.",
            discussion: """
                EXAMPLE:
                  operadora campaign status
                  operadora campaign status "Spring" --json
                """)
    }
    @Argument(help: "Name or number of the campaign; all when not given.") var campaign: String?
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await Database.with { client in
            var id: Int64?
            if let campaign { id = try await CampaignReference.find(campaign, client).id }
            let zone = try Configuration.load(needs: []).calls.businessTimezone
            let rows = try await CampaignFunnel.rows(of: id, usualZone: zone, client)
            if output.json {
                // One campaign is one object.
                return Console.print(id == nil ? JSON.array(rows).text : (rows.first ?? .null).text)
            }
            output.print(rows, CampaignFunnel.columns)
            if id != nil, let next = rows.first?["next_call"]?.string { Console.print("\nnext call due: \(next)") }
            if id != nil, let outcomes = rows.first?["by_outcome"]?.object, !outcomes.isEmpty {
                Console.print("\n" + CampaignFunnel.text(ofOutcomes: outcomes))
            }
        }
    }
}

/// What became of a campaign's leads, counted.
enum CampaignFunnel {
    static let columns: [Table.Column] = [
        .init("id", alignsRight: true), .init("name"), .init("status"), .init("calling_window"),
        .init("leads", alignsRight: true),
        .init("calls", alignsRight: true), .init("queued", alignsRight: true), .init("under_way", alignsRight: true),
        .init("answered", alignsRight: true), .init("ended", alignsRight: true), .init("uncertain", alignsRight: true),
        .init("meetings", alignsRight: true),
    ]

    /// One object for each campaign, newest first. `calls` are dials: a lead that was redialled counts more than once.
    /// `next_call_at` is when the first waiting call of a running campaign is due by its job and within the calling window,
    /// whether or not a worker has found that closed yet.
    ///
    /// - Parameter usualZone: of calls that have none.
    static func rows(of id: Int64?, usualZone: String, _ client: PostgresClient) async throws -> [JSON] {
        try await client.query(
            """
            SELECT to_jsonb(shown) FROM (
                SELECT campaigns.id, campaigns.name, campaigns.status, campaigns.calling_window,
                    (SELECT count(*) FROM leads WHERE campaign_id = campaigns.id) AS leads,
                    funnel.*, outcomes.by_outcome,
                    to_char(next.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS next_call_at,
                    CASE WHEN next.at <= now() THEN 'now'
                        ELSE to_char(next.at AT TIME ZONE next.zone, 'Dy YYYY-MM-DD HH24:MI ') || next.zone
                    END AS next_call,
                    (SELECT count(*) FROM meetings JOIN calls ON calls.id = meetings.call_id
                     WHERE calls.campaign_id = campaigns.id AND meetings.status = 'confirmed') AS meetings
                FROM campaigns
                CROSS JOIN LATERAL (
                    SELECT count(*) AS calls,
                        count(*) FILTER (WHERE status = 'queued') AS queued,
                        count(*) FILTER (WHERE status IN ('dialing', 'ringing', 'in_progress')) AS under_way,
                        count(*) FILTER (WHERE answered_at IS NOT NULL) AS answered,
                        count(*) FILTER (WHERE status = 'ended') AS ended,
                        count(*) FILTER (WHERE status = 'uncertain') AS uncertain
                    FROM calls WHERE campaign_id = campaigns.id) AS funnel
                CROSS JOIN LATERAL (
                    SELECT coalesce(jsonb_object_agg(outcome, number), '{}') AS by_outcome
                    FROM (SELECT outcome, count(*) AS number FROM calls
                          WHERE campaign_id = campaigns.id AND outcome IS NOT NULL GROUP BY outcome) AS counted
                    ) AS outcomes
                LEFT JOIN LATERAL (
                    SELECT zone, next_opening(campaigns.calling_window, zone, greatest(soonest, now())) AS at
                    FROM (SELECT coalesce(calls.timezone, \(usualZone)) AS zone, min(jobs.run_at) AS soonest
                          FROM calls JOIN jobs ON jobs.id = calls.job_id
                          WHERE calls.campaign_id = campaigns.id AND calls.status = 'queued'
                              AND campaigns.status = 'running'
                          GROUP BY zone) AS waiting
                    ORDER BY at LIMIT 1) AS next ON true
                WHERE campaigns.id = \(id) OR \(id) IS NULL
                ORDER BY campaigns.id DESC LIMIT 1000) AS shown
            """
        ).map { try $0.decode(JSON.self) }
    }

    /// The outcomes with their numbers and bars, the most frequent first.
    static func text(ofOutcomes outcomes: [String: JSON]) -> String {
        let counts = outcomes.map { (name: $0.key, number: Int($0.value.integer ?? 0)) }
            .sorted { ($1.number, $0.name) < ($0.number, $1.name) }
        let most = max(1, counts.first?.number ?? 1)
        return counts.map { outcome in
            let bar = String(repeating: "▇", count: max(1, outcome.number * 30 / most))
            let name = outcome.name + String(repeating: " ", count: max(0, 20 - outcome.name.count))
            let digits = String(outcome.number)
            return "  \(name)\(String(repeating: " ", count: max(0, 6 - digits.count)))\(digits)  \(bar)"
        }.joined(separator: "\n")
    }
}
