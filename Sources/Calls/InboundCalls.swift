import Postgres

extension TurnIntake {
    private static let maximumAttempts = 3

    /// The call that someone makes to one of our numbers; asked again for the same provider id, the same call.
    ///
    /// It belongs to the campaign that has the number as its `inbound_number`, else to the one that last dialled the caller
    /// from that number (someone calls back), else to none. The lead is the campaign's with the caller's phone.
    /// - Parameters:
    ///   - from: the caller's E.164 number, or what the provider writes when it is withheld.
    ///   - to: our number.
    public func callForInbound(providerCallID: String, from: String, to: String) async throws -> Int64 {
        for _ in 0..<Self.maximumAttempts {
            if let id = try await insertInbound(providerCallID: providerCallID, from: from, to: to) { return id }
        }
        throw InboundCallError(providerCallID: providerCallID)
    }

    /// Nil when another request inserted the same call at this moment: its row is not visible to this statement yet.
    private func insertInbound(providerCallID: String, from: String, to: String) async throws -> Int64? {
        try await postgres.query(
            """
            WITH chosen AS (
                SELECT coalesce(
                    (SELECT id FROM campaigns WHERE inbound_number = \(to)),
                    (SELECT leads.campaign_id FROM leads JOIN calls ON calls.lead_id = leads.id
                        WHERE leads.phone = \(from) AND calls.direction = 'outbound' AND calls.from_phone = \(to)
                        ORDER BY calls.id DESC LIMIT 1)) AS campaign_id
            ), inserted AS (
                INSERT INTO calls (campaign_id, lead_id, direction, provider, provider_call_id, from_phone, to_phone,
                    status, language, timezone, started_at, answered_at)
                SELECT campaigns.id, leads.id, 'inbound', \(settings.provider), \(providerCallID), \(from), \(to),
                    'in_progress', coalesce(leads.language, campaigns.language, \(settings.defaultLanguage)),
                    coalesce(leads.timezone, campaigns.timezone, \(settings.businessTimezone)), now(), now()
                FROM chosen
                    LEFT JOIN campaigns ON campaigns.id = chosen.campaign_id
                    LEFT JOIN leads ON leads.campaign_id = campaigns.id AND leads.phone = \(from)
                ON CONFLICT (provider, provider_call_id) DO NOTHING
                RETURNING id
            )
            SELECT id FROM inserted
            UNION ALL
            SELECT id FROM calls WHERE provider = \(settings.provider) AND provider_call_id = \(providerCallID)
            LIMIT 1
            """
        ).first?.decode(Int64.self)
    }
}

/// An inbound call that could neither be inserted nor found: repeated requests for it collided each time.
public struct InboundCallError: Error, Sendable, CustomStringConvertible {
    public let providerCallID: String
    public var description: String {
        "the inbound call \(providerCallID) could not be recorded; its provider asks again"
    }
}
