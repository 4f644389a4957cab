import Agents
import FoundationEssentials
import Jobs
import Platform
import Postgres

/// The statements of a turn: one round trip to load it, one transaction to answer it.
struct TurnRecords: Sendable {
    private let postgres: PostgresClient
    private let settings: CallSettings

    init(_ services: CallServices) {
        postgres = services.postgres
        settings = services.settings
    }

    // MARK: loading

    /// Nil when there is no such call.
    func load(_ callID: Int64) async throws -> TurnState? {
        try state(await postgres.batch(queries(callID)))
    }

    /// The same, as a transaction sees it.
    func load(_ callID: Int64, on connection: PostgresConnection) async throws -> TurnState? {
        try state(await connection.batch(queries(callID)))
    }

    private func queries(_ callID: Int64) -> [PostgresQuery] {
        [callQuery(callID), turnsQuery(callID), toolCallsQuery(callID), MeetingRecords.ofCaller(in: callID)]
    }

    private func state(_ results: [PostgresResult]) throws -> TurnState? {
        guard let row = results[0].first else { return nil }
        return TurnState(
            call: try call(row), lead: try lead(row), campaign: try campaign(row), turns: try results[1].map(turn),
            toolCalls: try results[2].map(toolCall), meetings: try results[3].map(MeetingRecords.meeting),
            now: try row.decode(Date.self, column: "now"))
    }

    /// Of a request that belongs to no call: in the configured language and zone, with all tools.
    func outsideCalls(_ context: JobContext) async throws -> TurnState {
        let rows = try await postgres.query("SELECT now()")
        // Microseconds: no other database has had a job of that id at that instant.
        let enqueued = Int64((context.enqueuedAt.timeIntervalSince1970 * 1e6).rounded())
        return TurnState(
            call: TurnState.Call(
                requestKey: "\(context.id)-\(enqueued)", isInbound: true, status: .inProgress, hasAgentEnded: false,
                answeredBy: nil,
                providerCallID: nil, phone: nil, language: Language(code: settings.defaultLanguage),
                zone: Zone(identifier: settings.businessTimezone) ?? .utc, hasScreen: true),
            lead: nil, campaign: nil, turns: [], toolCalls: [], meetings: [], now: try rows[0].decode(Date.self))
    }

    private func callQuery(_ callID: Int64) -> PostgresQuery {
        """
        SELECT calls.id, direction = 'inbound' AS is_inbound, calls.status, agent_ended, answered_by, provider_call_id,
            provider IS NOT DISTINCT FROM \(ChatSession.provider) AS has_screen,
            phone_of_the_other_side(direction, from_phone, to_phone) AS phone,
            coalesce(calls.language, leads.language, campaigns.language, \(settings.defaultLanguage)) AS language,
            coalesce(calls.timezone, leads.timezone, campaigns.timezone, \(settings.businessTimezone)) AS timezone,
            leads.id AS lead_id, leads.name AS lead_name, leads.email, leads.variables,
            campaigns.name AS campaign_name, instructions, greeting, tools, now()
        FROM calls
            LEFT JOIN leads ON leads.id = calls.lead_id
            LEFT JOIN campaigns ON campaigns.id = calls.campaign_id
        WHERE calls.id = \(callID)
        """
    }

    private func call(_ row: PostgresRow) throws -> TurnState.Call {
        let status = try row.decode(String.self, column: "status")
        return TurnState.Call(
            id: try row.decode(column: "id"), isInbound: try row.decode(column: "is_inbound"),
            status: CallStatus(rawValue: status) ?? .uncertain, hasAgentEnded: try row.decode(column: "agent_ended"),
            answeredBy: try row.decode(column: "answered_by"),
            providerCallID: try row.decode(column: "provider_call_id"),
            phone: try row.decode(column: "phone"), language: Language(code: try row.decode(column: "language")),
            zone: Zone(identifier: try row.decode(column: "timezone")) ?? .utc,
            hasScreen: try row.decode(column: "has_screen"))
    }

    private func lead(_ row: PostgresRow) throws -> TurnState.Lead? {
        guard let id = try row.decode(Int64?.self, column: "lead_id") else { return nil }
        return TurnState.Lead(
            id: id, name: try row.decode(column: "lead_name"), email: try row.decode(column: "email"),
            variables: try row.decode(column: "variables"))
    }

    private func campaign(_ row: PostgresRow) throws -> TurnState.Campaign? {
        guard let name = try row.decode(String?.self, column: "campaign_name") else { return nil }
        return TurnState.Campaign(
            name: name, instructions: try row.decode(column: "instructions"),
            greeting: try row.decode(column: "greeting"), tools: try row.decode(column: "tools"))
    }

    private func turnsQuery(_ callID: Int64) -> PostgresQuery {
        """
        SELECT number, role = 'agent', content, in_reply_to, ends_call, transfer_to, purpose
        FROM turns WHERE call_id = \(callID) ORDER BY number
        """
    }

    private func turn(_ row: PostgresRow) throws -> TurnState.Turn {
        let (number, isAgents, content, inReplyTo, endsCall, transferTo, purpose) = try row.decode(
            Int.self, Bool.self, String.self, Int?.self, Bool.self, String?.self, String?.self)
        return TurnState.Turn(
            number: number, isAgents: isAgents, content: content, inReplyTo: inReplyTo, endsCall: endsCall,
            transferTo: transferTo, purpose: purpose.flatMap(TurnPurpose.init))
    }

    private func toolCallsQuery(_ callID: Int64) -> PostgresQuery {
        """
        SELECT id, turn_number, name, arguments, result, success
        FROM tool_calls
        WHERE call_id = \(callID) AND turn_number IS NOT NULL AND result IS NOT NULL AND success IS NOT NULL
        ORDER BY id
        """
    }

    private func toolCall(_ row: PostgresRow) throws -> TurnState.RecordedToolCall {
        let (id, turnNumber, name, arguments, result, success) = try row.decode(
            Int64.self, Int.self, String.self, JSON.self, JSON.self, Bool.self)
        return TurnState.RecordedToolCall(
            id: id, turnNumber: turnNumber, name: name, arguments: arguments, result: result, success: success)
    }

    // MARK: writing

    /// Keeps what a tool did, durably, as soon as it has ended: whoever answers this turn after a crash goes on from here.
    func record(_ execution: ToolExecution, of callID: Int64?, turnNumber: Int) async throws
        -> TurnState.RecordedToolCall
    {
        let kept = try await ToolCallRecords(postgres).record(execution, of: callID, turnNumber: turnNumber)
        return TurnState.RecordedToolCall(
            id: kept.id, turnNumber: turnNumber, name: kept.name, arguments: kept.arguments, result: kept.result,
            success: execution.result.success)
    }

    /// What writes a whole turn; for one transaction.
    func statements(_ answer: TurnAnswer) -> [PostgresQuery] {
        let callID = answer.callID
        var statements = callerStatements(answer)
        if let utterance = answer.utterance {
            let account = answer.account
            statements.append(
                """
                INSERT INTO turns (call_id, number, role, content, in_reply_to, purpose, ends_call, transfer_to,
                    model_calls, model_ms, prompt_tokens, completion_tokens)
                VALUES (\(callID), \(answer.number), 'agent', \(utterance.text), \(answer.turn),
                    \(utterance.purpose.rawValue), \(utterance.endsCall), \(utterance.transferTo),
                    \(account.modelCalls),
                    \(account.modelTime.inMilliseconds), \(account.usage.promptTokens), \(account.usage.completionTokens))
                """)
        }
        return statements + callStatements(answer) + doNotCallStatements(answer)
    }

    /// What writes the caller's part of a turn that nobody can answer any more.
    func unansweredStatements(_ answer: TurnAnswer) -> [PostgresQuery] {
        callerStatements(answer) + doNotCallStatements(answer)
    }

    private func callerStatements(_ answer: TurnAnswer) -> [PostgresQuery] {
        guard let caller = answer.caller else { return [] }
        return [
            """
            INSERT INTO turns (call_id, number, role, content, confidence)
            VALUES (\(answer.callID), \(answer.turn), 'caller', \(caller.words), \(caller.confidence)::real)
            ON CONFLICT (call_id, number) DO NOTHING
            """
        ]
    }

    private func callStatements(_ answer: TurnAnswer) -> [PostgresQuery] {
        var statements: [PostgresQuery] = []
        if let event = answer.event {
            statements.append(
                """
                SELECT record_call_event(\(answer.callID), \(settings.provider), \(event.providerCallID), 'in-progress',
                    answered_by => \(event.answeredBy))
                """)
        }
        statements.append(
            """
            UPDATE calls SET last_event_at = now(), agent_ended = agent_ended OR \(answer.spoken.endsCall),
                do_not_call_requested = do_not_call_requested OR \(answer.isDoNotCall),
                answered_by = coalesce(answered_by, \(answer.answeredBy)),
                answered_at = coalesce(answered_at, now()),
                status = CASE WHEN status IN ('dialing', 'ringing') THEN 'in_progress' ELSE status END
            WHERE id = \(answer.callID) AND status NOT IN ('queued', 'ended', 'uncertain')
            """)
        return statements
    }

    private func doNotCallStatements(_ answer: TurnAnswer) -> [PostgresQuery] {
        guard answer.isDoNotCall else { return [] }
        return [
            """
            UPDATE calls SET do_not_call_requested = true
            WHERE id = \(answer.callID) AND NOT do_not_call_requested
            """,
            """
            SELECT record_do_not_call(phone, 'asked in call ' || \(answer.callID)::bigint)
            FROM (VALUES (\(answer.phone)::text)) AS caller(phone) WHERE phone ~ '^\\+[1-9][0-9]{6,14}$'
            """,
        ]
    }
}
