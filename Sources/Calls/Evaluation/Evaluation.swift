import Agents
import FoundationEssentials
import Platform
import Postgres
import Synchronization

/// Lets scripted callers talk with the agent, through the handlers of every other call, and grades what the database holds
/// afterwards. Several may be under way at once.
///
/// There is no telephone in it and no queue: turns are answered and calls finalized here. Each call has a calendar of its own, so
/// that none takes a time from another. Tools that ask others (the router, those of the tools file) are never executed: a caller
/// brings their answers, and they are there for that caller alone.
public struct Evaluation: Sendable {
    private let services: CallServices
    /// The agent: a campaign's, or one without.
    private let brief: ChatBrief
    /// Names of the tools that ask others, whether or not they are enabled.
    private let outside: Set<String>
    private static let mostTurns = 40
    private static let provider = "evaluation"

    /// - Parameter services: with a model, and a calendar that is the database's alone.
    public init(_ services: CallServices, _ brief: ChatBrief) {
        self.services = services
        self.brief = brief
        outside = Set(services.tools.definitions.customTools.map(\.tool.name) + [ToolNames.mikrotik])
    }

    /// Throws `CallerScriptError` when a caller brings an answer of a tool that would not be asked for one, or is to agree on a
    /// time that there is not.
    public func check(_ scripts: [CallerScript]) throws(CallerScriptError) {
        let names = services.tools.definitions.customTools.filter(\.isEnabled).map(\.tool.name)
        let offered = (names + (services.tools.mikrotik == nil ? [] : [ToolNames.mikrotik]))
            .filter { brief.campaign?.tools?.contains($0) ?? true }
        let there = offered.isEmpty ? "there are none" : "there are: \(offered.joined(separator: ", "))"
        let problems = scripts.flatMap { script in
            script.answers.keys.sorted().filter { !offered.contains($0) }.map {
                "\(script.name).answers.\($0) is no tool of this agent that asks others; \(there)"
            } + (timeProblem(script).map { ["\(script.name).expects.meeting.at \($0)"] } ?? [])
        }
        guard problems.isEmpty else { throw CallerScriptError(problems: problems) }
    }

    /// What is wrong with the time that is to be agreed, in the caller's language and zone, as of now.
    private func timeProblem(_ script: CallerScript) -> String? {
        guard case .booked(.at(let words), _)? = script.expectation.meeting else { return nil }
        let zone = Zone(identifier: script.lead.timezone) ?? .utc
        let dates = SpokenDates(language: script.lead.language ?? brief.language, zone: zone, now: .now)
        do {
            let date = try dates.understand(words)
            return date.instant(in: zone) == nil ? "must be one day with a time, such as “next tuesday at 10:00”" : nil
        } catch {
            return "cannot be agreed on: \(error)"
        }
    }

    /// Throws when the database cannot be used; whatever the agent does is graded.
    public func run(_ script: CallerScript) async throws -> EvaluatedCall {
        let stopwatch = Stopwatch()
        var services = services
        services.settings.calendarID = "evaluation-\(UUID().uuidString.lowercased())"
        services.settings.provider = Self.provider
        let language = script.lead.language ?? brief.language
        let callID = try await begin(script, language)
        let stops = ObservedStops()
        try await talk(script, callID, ConversationHandler(services, options(script, stops)))
        try await services.postgres.query(
            """
            UPDATE calls SET status = 'ended', ended_at = now(), provider_status = 'completed', last_event_at = now()
            WHERE id = \(callID)
            """)
        try await FinalizeCallHandler(services).finalize(callID, services.logger)
        return try await EvaluatedCall.load(
            callID, script, language: language, services, took: stopwatch.elapsed, stops: stops.all)
    }

    /// The brief's agent, with the tools that this caller has answers of.
    private func options(_ script: CallerScript, _ stops: ObservedStops) -> TurnOptions {
        let definitions = services.tools.definitions
        let all = ToolNames.own + definitions.systemTools.map(\.name) + definitions.customTools.map(\.tool.name)
        return TurnOptions(
            prepare: { [brief, outside] state in
                brief.apply(to: &state)
                var campaign =
                    state.campaign
                    ?? TurnState.Campaign(name: Self.provider, instructions: "", greeting: nil, tools: nil)
                campaign.tools = (campaign.tools ?? all).filter {
                    !outside.contains($0) || script.answers[$0] != nil
                }
                state.campaign = campaign
            },
            observe: { stops.take($0) },
            replaceTool: { tool in
                guard tool is CustomTool || tool is MikroTikTool else { return tool }
                return RecordedTool(tool: tool) { tool, _ in
                    let answer = script.answers[tool.description.name] ?? ["success": false]
                    return ToolResult(success: answer["success"] != false, value: answer)
                }
            })
    }

    /// The call as it stands when somebody has picked up.
    private func begin(_ script: CallerScript, _ language: String) async throws -> Int64 {
        let lead = script.lead
        let rows = try await services.postgres.query(
            """
            WITH campaign AS (
                INSERT INTO campaigns (name, status, instructions, redial)
                VALUES ('Evaluation ' || gen_random_uuid(), 'draft', \(brief.campaign?.instructions ?? ""), '{}')
                RETURNING id
            ), lead AS (
                INSERT INTO leads (campaign_id, name, phone, email, language, timezone, variables, status)
                SELECT id, \(lead.name), '+1555' || to_char(id, 'FM0000000'), \(lead.email), \(language),
                    \(lead.timezone), \(lead.variables), 'calling'
                FROM campaign RETURNING id, campaign_id, phone
            )
            INSERT INTO calls (campaign_id, lead_id, from_phone, to_phone, language, timezone, provider, status,
                dial_intent_at, started_at, answered_at)
            SELECT campaign_id, id, '+15550000000', phone, \(language), \(lead.timezone), \(Self.provider),
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

/// How the model's work ended, each time, gathered as it happens.
private final class ObservedStops: Sendable {
    private let stops = Mutex<[AgentStop]>([])

    var all: [AgentStop] { stops.withLock { $0 } }

    func take(_ event: AgentEvent) {
        guard case .finished(let run) = event else { return }
        stops.withLock { $0.append(run.stop) }
    }
}
