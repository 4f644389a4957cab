import FoundationEssentials
import Platform
import Postgres

/// The statements about one call, most of them functions of the schema (`migrations/014_call_limits`).
struct CallRecords: Sendable {
    private let postgres: PostgresClient
    private let settings: CallSettings

    init(_ services: CallServices) {
        postgres = services.postgres
        settings = services.settings
    }

    func dial(of callID: Int64) async throws -> Dial? {
        let rows = try await postgres.query(
            """
            SELECT status, provider_call_id, to_phone, from_phone, dial_intent_at::text,
                coalesce(extract(epoch FROM clock_timestamp() - dial_intent_at), 0)::float8, dial_intents, dial_refusals,
                provider IS NOT DISTINCT FROM \(settings.provider)
            FROM calls WHERE id = \(callID) AND direction = 'outbound'
            """)
        guard let row = rows.first else { return nil }
        let (status, providerCallID, to, from, intent, age, intents, refusals, isOurProviders) = try row.decode(
            String.self, String?.self, String.self, String?.self, String?.self, Double.self, Int.self, Int.self,
            Bool.self)
        return Dial(
            callID: callID, status: CallStatus(rawValue: status) ?? .queued, providerCallID: providerCallID, to: to,
            from: from ?? settings.fromNumber, intent: intent, sinceIntent: .seconds(age), intents: intents,
            refusals: refusals, isOurProviders: isOurProviders)
    }

    /// The intent is on the disk when this returns `.dial`.
    func beginDial(_ callID: Int64) async throws -> DialDecision {
        let rows = try await postgres.query(
            """
            SELECT decision, coalesce(extract(epoch FROM wait), 0)::float8, coalesce(reason, '')
            FROM begin_dial(\(callID), \(settings.provider), \(settings.fromNumber), \(settings.defaultLanguage),
                \(settings.businessTimezone))
            """)
        let (decision, wait, reason) = try rows[0].decode(String.self, Double.self, String.self)
        switch decision {
        case "dial": return .dial
        case "wait": return .wait(.seconds(max(0, wait)), reason: reason)
        case "do_not_call": return .doNotCall
        default: return .notQueued
        }
    }

    /// False when it was another intent, or the provider's id is known by now.
    @discardableResult
    func withdraw(_ dial: Dial, wasRefused: Bool, error: String) async throws -> Bool {
        let rows = try await postgres.query(
            "SELECT withdraw_dial(\(dial.callID), \(dial.intent)::timestamptz, \(wasRefused), \(error))")
        return try rows[0].decode(Bool.self)
    }

    struct Adoption: Sendable {
        /// False when the call has another provider id.
        var isOurs: Bool
        /// The call was given up on before its provider's id was known.
        var isGivenUp: Bool
    }

    func adopt(_ callID: Int64, providerCallID: String) async throws -> Adoption {
        let rows = try await postgres.query(
            """
            SELECT adopt_call(id, \(settings.provider), \(providerCallID)),
                status IN ('ended', 'uncertain') AND provider_status IS NULL
            FROM calls WHERE id = \(callID)
            """)
        guard let row = rows.first else { return Adoption(isOurs: false, isGivenUp: true) }
        let (isOurs, isGivenUp) = try row.decode(Bool.self, Bool.self)
        return Adoption(isOurs: isOurs, isGivenUp: isGivenUp)
    }

    /// Those of the provider's ids that some call of ours has.
    func known(among ids: [String]) async throws -> Set<String> {
        let rows = try await postgres.query(
            """
            SELECT provider_call_id FROM calls
            WHERE provider = \(settings.provider) AND provider_call_id = ANY (\(ids))
            """)
        return Set(try rows.map { try $0.decode(String.self) })
    }

    /// Makes the call final. False when it was final already.
    @discardableResult
    func end(
        _ callID: Int64, _ status: CallStatus = .ended, providerStatus: ProviderCallStatus? = nil, error: String? = nil,
        in connection: PostgresConnection? = nil
    ) async throws -> Bool {
        let query: PostgresQuery = """
            SELECT end_call(\(callID), status => \(status.rawValue), provider_status => \(providerStatus?.rawValue),
                error => \(error))
            """
        if let connection { return try await connection.query(query)[0].decode(Bool.self) }
        return try await postgres.query(query)[0].decode(Bool.self)
    }

    /// A call after an event was written.
    struct Recorded: Sendable, Hashable {
        var callID: Int64
        var status: CallStatus
        var isAnsweredByMachine: Bool
        var agentEnded: Bool
    }

    /// Writes what the provider says; nil when there is no such call.
    func record(_ call: ProviderCall, for callID: Int64?) async throws -> Recorded? {
        let rows = try await postgres.query(
            """
            SELECT id, status, answered_by_machine, agent_ended
            FROM record_call_event(\(callID), \(settings.provider), \(call.id), \(call.status.rawValue),
                answered_by => \(call.answeredBy), ended_at => \(call.endedAt),
                duration_seconds => \(call.durationSeconds)::integer)
            WHERE id IS NOT NULL
            """)
        guard let row = rows.first else { return nil }
        let (id, status, isMachine, agentEnded) = try row.decode(Int64.self, String.self, Bool.self, Bool.self)
        return Recorded(
            callID: id, status: CallStatus(rawValue: status) ?? .uncertain, isAnsweredByMachine: isMachine,
            agentEnded: agentEnded)
    }
}
