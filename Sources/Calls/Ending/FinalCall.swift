import FoundationEssentials
import Platform
import Postgres

/// A final call with all that its outcome is decided from.
struct FinalCall: Sendable {
    struct Utterance: Sendable, Hashable {
        var isCaller: Bool
        var content: String
    }

    var id: Int64
    var providerCallID: String?
    var facts: CallFacts
    var language: String
    var zone: Zone
    var endedAt: Date
    var turns: [Utterance]
    var promptTokens: Int
    var completionTokens: Int
}

extension FinalCall {
    /// Nil when there is no such call, or its outcome is written already.
    static func load(_ id: Int64, _ services: CallServices) async throws -> FinalCall? {
        let settings = services.settings
        let results = try await services.postgres.batch([
            """
            SELECT status, outcome, provider, provider_call_id, provider_status,
                coalesce(answered_by ~ '^(machine|fax)', false), answered_at IS NOT NULL, agent_ended,
                do_not_call_requested,
                EXISTS (SELECT FROM meetings WHERE call_id = calls.id AND status = 'confirmed'),
                coalesce(language, \(settings.defaultLanguage)), coalesce(timezone, \(settings.businessTimezone)), ended_at
            FROM calls WHERE id = \(id) AND ended_at IS NOT NULL AND finalized_at IS NULL
            """,
            """
            SELECT role = 'caller', content, prompt_tokens, completion_tokens FROM turns
            WHERE call_id = \(id) ORDER BY number
            """,
        ])
        guard let row = results[0].first else { return nil }
        var (call, provider) = try decode(id, row, defaultTimezone: settings.businessTimezone)
        for turn in results[1] {
            let (isCaller, content, prompt, completion) = try turn.decode(Bool.self, String.self, Int.self, Int.self)
            call.turns.append(Utterance(isCaller: isCaller, content: content))
            call.promptTokens += prompt
            call.completionTokens += completion
        }
        call.facts.callerSpoke = call.turns.contains { $0.isCaller && !$0.content.isBlank }
        call.facts.isAnswered = call.facts.isAnswered || !call.turns.isEmpty
        // Another provider's calls are not asked of this one.
        if provider != settings.provider { call.providerCallID = nil }
        return call
    }

    private static func decode(
        _ id: Int64, _ row: PostgresRow, defaultTimezone: String
    ) throws -> (FinalCall, provider: String?) {
        let (
            status, outcome, provider, providerCallID, providerStatus, isMachine, isAnswered, agentEnded, doNotCall,
            hasMeeting, language, timezone, endedAt
        ) = try row.decode(
            String.self, String?.self, String?.self, String?.self, String?.self, Bool.self, Bool.self, Bool.self,
            Bool.self, Bool.self, String.self, String.self, Date.self)
        var facts = CallFacts(status: CallStatus(rawValue: status) ?? .uncertain)
        facts.outcome = outcome.flatMap(CallOutcome.init)
        facts.providerStatus = providerStatus.flatMap(ProviderCallStatus.init)
        facts.isAnsweredByMachine = isMachine
        facts.isAnswered = isAnswered
        facts.agentEnded = agentEnded
        facts.doNotCallRequested = doNotCall
        facts.hasConfirmedMeeting = hasMeeting
        let call = FinalCall(
            id: id, providerCallID: providerCallID, facts: facts, language: language,
            zone: Zone(identifier: timezone) ?? Zone(identifier: defaultTimezone) ?? .utc, endedAt: endedAt, turns: [],
            promptTokens: 0, completionTokens: 0)
        return (call, provider)
    }
}

extension String {
    var isBlank: Bool { allSatisfy(\.isWhitespace) }
}
