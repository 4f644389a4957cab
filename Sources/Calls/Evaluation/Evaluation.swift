import FoundationEssentials
import Platform
import Postgres

/// Lets scripted callers talk with the agent, through the handlers of every other call, and grades what the database holds
/// afterwards. Several may be under way at once.
///
/// There is no telephone in it and no queue: turns are answered and calls finalized here. Each call has a calendar of its own, so
/// that none takes a time from another.
public struct Evaluation: Sendable {
    private let services: CallServices
    /// What the agent is told to do, as `campaigns.instructions`.
    private let instructions: String
    private static let mostTurns = 40
    private static let provider = "evaluation"

    /// - Parameter services: with a model, and a calendar that is the database's alone.
    public init(_ services: CallServices, instructions: String) {
        self.services = services
        self.instructions = instructions
    }

    /// Throws when the database cannot be used; whatever the agent does is graded.
    public func run(_ script: CallerScript) async throws -> EvaluatedCall {
        let stopwatch = Stopwatch()
        var services = services
        services.settings.calendarID = "evaluation-\(UUID().uuidString.lowercased())"
        services.settings.provider = Self.provider
        let callID = try await begin(script)
        try await talk(script, callID, ConversationHandler(services))
        try await services.postgres.query(
            """
            UPDATE calls SET status = 'ended', ended_at = now(), provider_status = 'completed', last_event_at = now()
            WHERE id = \(callID)
            """)
        try await FinalizeCallHandler(services).finalize(callID, services.logger)
        return try await EvaluatedCall.load(callID, script, services, took: stopwatch.elapsed)
    }

    /// The call as it stands when somebody has picked up.
    private func begin(_ script: CallerScript) async throws -> Int64 {
        let lead = script.lead
        let rows = try await services.postgres.query(
            """
            WITH campaign AS (
                INSERT INTO campaigns (name, status, instructions, redial)
                VALUES ('Evaluation ' || gen_random_uuid(), 'draft', \(instructions), '{}') RETURNING id
            ), lead AS (
                INSERT INTO leads (campaign_id, name, phone, email, language, timezone, variables, status)
                SELECT id, \(lead.name), '+1555' || to_char(id, 'FM0000000'), \(lead.email), \(lead.language),
                    \(lead.timezone), \(lead.variables), 'calling'
                FROM campaign RETURNING id, campaign_id, phone
            )
            INSERT INTO calls (campaign_id, lead_id, from_phone, to_phone, language, timezone, provider, status,
                dial_intent_at, started_at, answered_at)
            SELECT campaign_id, id, '+15550000000', phone, \(lead.language), \(lead.timezone), \(Self.provider),
                'in_progress', now(), now(), now()
            FROM lead RETURNING id
            """)
        return try rows[0].decode(Int64.self)
    }

    private func talk(_ script: CallerScript, _ callID: Int64, _ handler: ConversationHandler) async throws {
        var caller = ScriptedCaller(script)
        var job = ProcessConversation(callID: callID, turn: 1)
        for _ in 0..<Self.mostTurns {
            let reply = try await handler.answer(job) { _, statements in
                try await services.postgres.batch(statements)
            }
            guard case .committed(let answer) = reply, !answer.endsCall else { return }
            job.turn = answer.nextTurn
            switch caller.answer(to: answer.say) {
            case .say(let words): (job.speech, job.confidence) = (words, 0.95)
            case .beSilent: (job.speech, job.confidence) = (nil, nil)
            case .hangUp: return
            }
        }
    }
}
