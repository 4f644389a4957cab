public import Platform
import Postgres

/// The agent that a chat talks to: a campaign's, or one without, with what is to be tried out in its stead.
public struct ChatBrief: Sendable {
    /// en, es or pt.
    public let language: String
    public let zone: Zone
    /// Nil without a campaign.
    public let campaignName: String?
    let campaign: TurnState.Campaign?
    /// Whether the campaign is one that people call.
    let isInbound: Bool

    /// - Parameters:
    ///   - campaignID: must exist; nil is an agent without a task.
    ///   - language: en, es or pt; nil is the campaign's, else the configured one.
    ///   - instructions: stand in for the campaign's.
    /// - Throws: what PostgreSQL throws.
    public static func load(
        campaignID: Int64?, language: String?, instructions: String?, _ services: CallServices
    ) async throws -> ChatBrief {
        let settings = services.settings
        let rows = try await services.postgres.query(
            """
            SELECT name, instructions, greeting, tools, inbound_number IS NOT NULL AS is_inbound, language, timezone
            FROM campaigns WHERE id = \(campaignID)
            """)
        let row = rows.first
        var campaign = try row.map { row in
            TurnState.Campaign(
                name: try row.decode(column: "name"), instructions: try row.decode(column: "instructions"),
                greeting: try row.decode(column: "greeting"), tools: try row.decode(column: "tools"))
        }
        let name = campaign?.name
        if let instructions {
            campaign = campaign ?? TurnState.Campaign(name: "chat", instructions: "", greeting: nil, tools: nil)
            campaign?.instructions = instructions
        }
        let own = try row.flatMap { try $0.decode(String?.self, column: "language") }
        let timezone = try row.flatMap { try $0.decode(String?.self, column: "timezone") } ?? settings.businessTimezone
        return ChatBrief(
            language: language ?? own ?? settings.defaultLanguage, zone: Zone(identifier: timezone) ?? .utc,
            campaignName: name, campaign: campaign,
            isInbound: try row?.decode(Bool.self, column: "is_inbound") ?? false)
    }

    /// A chat's row belongs to no campaign, so that it changes none of its figures, limits or leads; its agent is told the
    /// campaign's task all the same.
    func apply(to state: inout TurnState) {
        state.campaign = campaign
        state.call.isInbound = isInbound
    }
}
