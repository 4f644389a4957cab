import Platform
import Synchronization
import TestSupport
import Testing

@testable import Agents

@Suite("Chat agent: what a run comes to")
struct ChatAgentEndsTests {
    private static let quiet = Logger(label: "test", level: .critical)

    private struct Verdict: Codable, Equatable {
        enum Outcome: String, Codable, CaseIterable { case yes, no }
        var outcome: Outcome
        var reason: String?
    }

    @Test("An answer of a type is asked for with its schema, repaired, and decoded")
    func structured() async throws {
        let model = ScriptedModel([
            ModelResponse(text: #"{"outcome":"maybe","reason":null}"#),
            ModelResponse(text: #"{"outcome":"yes","reason":null}"#),
            ModelResponse(text: "Of course."),
        ])
        let agent = try ChatAgent(model: model, logger: Self.quiet)
        #expect(try await agent.send("Yes or no?", as: Verdict.self) == Verdict(outcome: .yes))
        #expect(try model.requests[0].responseSchema?.schema == JSONSchema(of: Verdict.self, isStrict: true).root)
        #expect(try await agent.send("Sure?") == "Of course.")
        #expect(await agent.history.count == 4)
        #expect(model.requests[2].responseSchema == nil)
    }

    @Test("With a fallback answer a run that fails is answered, and remembered as it was", arguments: [false, true])
    func fallsBack(_ isStreaming: Bool) async throws {
        var configuration = AgentConfiguration()
        configuration.fallbackAnswer = "Please call again."
        let agent = try ChatAgent(model: ScriptedModel([]), configuration, logger: Self.quiet)
        if isStreaming {
            var events: [AgentEvent] = []
            for try await event in agent.stream("Hello?") { events.append(event) }
            #expect(events.first == .text("Please call again."))
            guard case .finished(let run) = events.last else { return #expect(Bool(false), "it did not finish") }
            #expect(run.isFallback && !run.isComplete && run.text == "Please call again.")
        } else {
            #expect(try await agent.send("Hello?") == "Please call again.")
        }
        #expect(await agent.history == [.user("Hello?"), .assistant("Please call again.")])
        await #expect(throws: AgentError.self) { try await agent.send("Hello?", schema: ["type": "object"]) }
    }

    @Test("What a tool did for a message that got no answer is not done again for the next one")
    func remembersEffects() async throws {
        let sent = Mutex(0)
        let mail = FunctionTool("mail", "Sends a mail.") { _ in
            sent.withLock { $0 += 1 }
            return ToolResult(success: true, value: ["sent": true])
        }
        let model = ScriptedModel { request, number in
            if number == 1 { throw ModelError(.unavailable, "away") }
            if case .tool = request.messages.last { return ModelResponse(text: "Sent.") }
            return .calling("mail", #"{"to":"ana"}"#)
        }
        let agent = try ChatAgent(model: model, tools: ToolRegistry([mail]), logger: Self.quiet)
        await #expect(throws: AgentError.self) { try await agent.send("Mail Ana.") }
        #expect(await agent.history.isEmpty)
        #expect(try await agent.send("Mail Ana.") == "Sent.")
        #expect(sent.withLock { $0 } == 1)
        // Once it is answered, the same is done again when it is asked for again.
        #expect(try await agent.send("Once more.") == "Sent.")
        #expect(sent.withLock { $0 } == 2)
    }

    @Test("When the caller hangs up, the model and the tool that runs are cancelled, and nothing is remembered")
    func cancels() async throws {
        let (started, cancelled) = (Meeting(of: 2), Meeting(of: 2))
        let hangs = FunctionTool("hangs", "Waits.", timeout: .seconds(600)) { _ in
            await started.arrive()
            await untilCancelled()
            await cancelled.arrive()
            return ToolResult(success: true, value: [:])
        }
        let model = ScriptedModel([.calling("hangs"), ModelResponse(text: "Done."), ModelResponse(text: "Hello.")])
        let agent = try ChatAgent(model: model, tools: ToolRegistry([hangs]), logger: Self.quiet)
        let call = Task { try await agent.send("Wait.") }
        await started.arrive()
        call.cancel()
        await #expect(throws: CancellationError.self) { try await call.value }
        await cancelled.arrive()
        #expect(await agent.history.isEmpty)
        #expect(model.requests.count == 1)
    }

    @Test("A conversation that a tool ends has no structured answer, and the history stays as it was")
    func endsInsteadOfAnswering() async throws {
        struct Answer: Codable, Sendable { var mood: String }
        var goodbye = FunctionTool("goodbye", "Ends.") { _ in ToolResult(success: true, value: [:]) }
        goodbye.endsConversation = true
        let agent = try ChatAgent(
            model: ScriptedModel([.calling("goodbye")]), tools: ToolRegistry([goodbye]), logger: Self.quiet)
        await #expect(throws: AgentError.noAnswer(.ended)) { try await agent.send("How are they?", as: Answer.self) }
        #expect(await agent.history.isEmpty)
    }

    @Test("Dropping the stream cancels the tool that runs")
    func cancelsStream() async throws {
        let (started, cancelled) = (Meeting(of: 2), Meeting(of: 2))
        let hangs = FunctionTool("hangs", "Waits.", timeout: .seconds(600)) { _ in
            await started.arrive()
            await untilCancelled()
            await cancelled.arrive()
            return ToolResult(success: true, value: [:])
        }
        let agent = try ChatAgent(
            model: ScriptedModel([.calling("hangs")]), tools: ToolRegistry([hangs]), logger: Self.quiet)
        let reader = Task { for try await _ in agent.stream("Wait.") {} }
        await started.arrive()
        reader.cancel()
        await cancelled.arrive()
        _ = await reader.result
    }

    @Test(
        "The account has every token and its price, of tool calls and failed runs too; without a price the cost is unknown"
    )
    func accounts() async throws {
        let usage = ModelUsage(promptTokens: 1_000, completionTokens: 100, cachedPromptTokens: 400)
        let model = ScriptedModel { _, number in
            if number == 2 { throw ModelError(.unavailable, "away") }
            var response = number == 0 ? ModelResponse.calling("lookup") : ModelResponse(text: "Yes.")
            (response.usage, response.model) = (usage, number < 4 ? "small-2026-01-01" : "unheard-of")
            return response
        }
        var configuration = AgentConfiguration()
        configuration.prices = [
            "small": ModelPrice(prompt: 1, completion: 10, cachedPrompt: 0.5),
            "sm": ModelPrice(prompt: 9, completion: 9),
        ]
        let agent = try ChatAgent(model: model, configuration, logger: Self.quiet)
        try await agent.registerTool(
            FunctionTool("lookup", "Looks it up.") { _ in ToolResult(success: true, value: [:]) })
        try await agent.send("?")
        await #expect(throws: AgentError.self) { try await agent.send("?") }
        try await agent.send("?")
        let account = await agent.account
        #expect(account.runs == 3 && account.modelCalls == 4 && account.usage == usage + usage + usage)
        let cost = try #require(account.cost)
        #expect(abs(cost - 3 * (600 + 200 + 1_000) / 1_000_000) < 1e-12)
        try await agent.send("?")
        #expect(await agent.account.cost == nil)
    }

    // MARK: memory

    @Test("What no longer fits is summed up by the model, and the account has that too")
    func sumsUp() async throws {
        let model = ScriptedModel { request, _ in
            let isSummary = request.messages.first.map { if case .system = $0 { true } else { false } } ?? false
            return ModelResponse(
                text: isSummary ? "Ana likes trains." : "I see.",
                usage: ModelUsage(promptTokens: 1, completionTokens: 1))
        }
        var configuration = AgentConfiguration()
        configuration.memory = .summary(60)
        let agent = try ChatAgent(model: model, configuration, logger: Self.quiet)
        for number in 1...6 { try await agent.send("Message \(number): \(String(repeating: "train ", count: 10))") }
        #expect(await agent.summary == "Ana likes trains.")
        #expect(await agent.history.count == 12)
        let last = try #require(model.requests.last).messages
        #expect(last.first == .user("What was said before, in short: Ana likes trains."))
        #expect(last.count < 6)
        #expect(await agent.account.modelCalls == model.requests.count)
        #expect(await agent.account.usage.promptTokens == model.requests.count)
        #expect(model.requests.contains { $0.messages.count == 2 && "\($0.messages[1])".contains("user: Message 1") })
    }

    @Test("A model that cannot sum up leaves the window, and the message is answered")
    func survivesSummary() async throws {
        let model = ScriptedModel { request, _ in
            if case .system = request.messages.first { throw ModelError(.unavailable, "away") }
            return ModelResponse(text: "I see.")
        }
        var configuration = AgentConfiguration()
        configuration.memory = .summary(40)
        let agent = try ChatAgent(model: model, configuration, logger: Self.quiet)
        for number in 1...4 {
            #expect(try await agent.send("\(number) " + String(repeating: "x", count: 60)) == "I see.")
        }
        #expect(await agent.summary == nil)
        #expect(try #require(model.requests.last).messages.count < 5)
    }

    @Test("A conversation goes on from its history")
    func goesOn() async throws {
        let model = ScriptedModel([ModelResponse(text: "Ana.")])
        let history: [Message] = [.user("I am Ana."), .assistant("Hello Ana.")]
        let agent = try ChatAgent(model: model, history: history, logger: Self.quiet)
        try await agent.send("Who am I?")
        #expect(model.requests[0].messages == history + [.user("Who am I?")])
    }

    @Test("A reset during an answer stands: the answer is not remembered")
    func resets() async throws {
        let (asked, answer) = (Meeting(of: 2), Meeting(of: 2))
        let agent = try ChatAgent(
            model: ScriptedModel { _, _ in
                await asked.arrive()
                await answer.arrive()
                return ModelResponse(text: "Done.")
            }, logger: Self.quiet)
        let first = Task { try await agent.send("one") }
        await asked.arrive()
        await agent.reset()
        await answer.arrive()
        #expect(try await first.value == "Done.")
        #expect(await agent.history.isEmpty)
    }
}
