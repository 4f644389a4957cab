import Platform
import Postgres

/// A campaign as a command line names it.
struct CampaignReference: Sendable {
    let id: Int64
    let name: String
    /// For phone numbers without a country code.
    let country: String?

    /// Finds it by its name, else by its number. Throws `CommandFailure` that says what there is.
    static func find(_ text: String, _ client: PostgresClient) async throws -> CampaignReference {
        let rows = try await client.query(
            """
            SELECT id, name, country FROM campaigns
            WHERE name = \(text) OR id = \(Int64(text))
            ORDER BY name = \(text) DESC LIMIT 1
            """)
        guard let row = rows.first else { throw try await unknown(text, client) }
        let (id, name, country) = try row.decode(Int64.self, String.self, String?.self)
        return CampaignReference(id: id, name: name, country: country)
    }

    /// `draft`, `running`, `paused` or `completed`; `gone` when it was deleted since.
    func status(_ client: PostgresClient) async throws -> String {
        let row = try await client.query("SELECT status FROM campaigns WHERE id = \(id)").first
        return try row?.decode(String.self) ?? "gone"
    }

    /// Why it can be neither paused nor resumed, and what can be done instead.
    func idleness(_ status: String) -> CommandFailure {
        let launch = "operadora campaign launch \"\(name)\""
        let state =
            switch status {
            case "draft": "a draft, and nothing of it runs: \(launch) starts it"
            case "completed": "completed, and nothing of it runs: \(launch) starts it again when it has new leads"
            default: status
            }
        return CommandFailure("campaign \"\(name)\" is \(state)")
    }

    private static func unknown(_ text: String, _ client: PostgresClient) async throws -> CommandFailure {
        let names = try await client.query("SELECT name FROM campaigns ORDER BY id DESC LIMIT 1000")
            .map { try $0.decode(String.self) }
        if names.isEmpty {
            return CommandFailure(
                "there is no campaign \"\(text)\", nor any other: make one with operadora campaign create \"\(text)\"")
        }
        let suggestion = Suggestion.text(for: text, among: names)
        return CommandFailure(
            "there is no campaign \"\(text)\"\(suggestion) (operadora campaign status lists them)")
    }
}
