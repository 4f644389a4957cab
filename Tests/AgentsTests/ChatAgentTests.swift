import Platform
import Testing

@testable import Agents

@Suite("Chat agent")
struct ChatAgentTests {
    private static let quiet = Logger(label: "test", level: .critical)
    private static let lookup = FunctionTool(
        "lookup", "Looks it up.",
        parameters: ["type": "object", "properties": ["n": ["type": "integer"]], "required": ["n"]]
    ) { ToolResult(success: true, value: $0) }

    private func agent(
        _ model: ScriptedModel, _ configuration: AgentConfiguration = AgentConfiguration(instructions: "Be brief.")
    ) throws -> ChatAgent {
        try ChatAgent(model: model, configuration, logger: Self.quiet)
    }

    @Test("It remembers what was said")
    func remembers() async throws {
        let model = ScriptedModel([ModelResponse(text: "Hello Ana."), ModelResponse(text: "Ana.")])
        let agent = try self.agent(model)
        try await agent.send("I am Ana.")
        #expect(try await agent.send("Who am I?") == "Ana.")
        #expect(
            model.requests[1].messages == [
                .system("Be brief."), .user("I am Ana."), .assistant("Hello Ana."), .user("Who am I?"),
            ])
        #expect(await agent.history.count == 4)
    }

    @Test("A message that got no answer leaves the history as it was")
    func forgetsFailures() async throws {
        let agent = try self.agent(ScriptedModel([]))
        await #expect(throws: AgentError.self) { try await agent.send("Hello?") }
        #expect(await agent.history.isEmpty)
    }

    @Test("Its context is told to the model, and a reset forgets it with the conversation")
    func tellsContext() async throws {
        let model = ScriptedModel { _, _ in ModelResponse(text: "Yes.") }
        let agent = try self.agent(model)
        await agent.setContext("company", "ACME")
        #expect(await agent.context == ["company": "ACME"])
        try await agent.send("Who?")
        #expect(model.requests[0].messages[0] == .system("Be brief.\n\nContext: {\"company\":\"ACME\"}"))
        await agent.reset()
        #expect(await agent.context.isEmpty)
        try await agent.send("Who?")
        #expect(model.requests[1].messages == [.system("Be brief."), .user("Who?")])
    }

    @Test("A profile and a call's own changes apply to that call alone, the call's last")
    func applies() async throws {
        var configuration = AgentConfiguration(instructions: "Be brief.")
        var precise = AgentOverrides()
        precise.temperature = 0
        precise.instructions = "Be precise."
        configuration.profiles["precise"] = precise
        let model = ScriptedModel { _, _ in ModelResponse(text: "Yes.") }
        let agent = try self.agent(model, configuration)
        var warmer = AgentOverrides()
        warmer.temperature = 1.5
        try await agent.send("?", profile: "precise", overrides: warmer)
        try await agent.send("?")
        #expect(model.requests.map(\.temperature) == [1.5, nil])
        #expect(model.requests.map { $0.messages[0] } == [.system("Be precise."), .system("Be brief.")])
    }

    @Test("A configuration is refused with everything that is wrong")
    func refusesConfiguration() async throws {
        var configuration = AgentConfiguration()
        configuration.temperature = 3
        configuration.limits.maximumRounds = 0
        configuration.memory = .tokens(0)
        #expect {
            try self.agent(ScriptedModel([]), configuration)
        } throws: { error in
            guard case .invalidConfiguration(let problems) = error as? AgentError else { return false }
            return problems.count == 3
        }
        let agent = try self.agent(ScriptedModel([]))
        await #expect(throws: AgentError.self) { try await agent.send("?", profile: "unknown") }
        await #expect(throws: AgentError.self) { try await agent.configure { $0.temperature = -1 } }
        #expect(await agent.configuration.temperature == nil)
    }

    @Test(
        "Instructions, model and tools are those of its configuration; what is changed counts from the next answer on")
    func isConfigured() async throws {
        let model = ScriptedModel { _, _ in ModelResponse(text: "Yes.") }
        let agent = try self.agent(model)
        try await agent.registerTool(Self.lookup)
        try await agent.send("?")
        try await agent.configure { ($0.instructions, $0.model, $0.tools) = ("Be precise.", "gpt-4o", []) }
        try await agent.send("?")
        #expect(model.requests.map { $0.messages[0] } == [.system("Be brief."), .system("Be precise.")])
        #expect(model.requests.map(\.model) == [nil, "gpt-4o"])
        #expect(model.requests.map { $0.tools.map(\.name) } == [["lookup"], []])
    }

    @Test("A tool can be registered, executed by hand, and is validated then too")
    func executesTools() async throws {
        let agent = try self.agent(ScriptedModel([]))
        try await agent.registerTool(Self.lookup)
        #expect(try await agent.executeTool("lookup", ["n": 7]) == ToolResult(success: true, value: ["n": 7]))
        #expect(try await agent.executeTool("lookup") == .failure("arguments.n is required"))
        #expect(try await agent.executeTool("other").success == false)
    }

    @Test("Streaming tells the words, the tools and the end")
    func streams() async throws {
        let model = ScriptedModel([.calling("lookup", #"{"n":7}"#), ModelResponse(text: "It is 7.")])
        let agent = try self.agent(model)
        try await agent.registerTool(Self.lookup)
        var text = ""
        var ended: [ToolExecution] = []
        var last: AgentRun?
        for try await event in agent.stream("?") {
            switch event {
            case .text(let piece): text += piece
            case .toolStarted: break
            case .toolEnded(let execution): ended.append(execution)
            case .finished(let run): last = run
            }
        }
        #expect(text == "It is 7.")
        #expect(ended.map(\.result.value) == [["n": 7]])
        #expect(last?.text == "It is 7.")
        #expect(await agent.history.count == 4)
    }

    @Test("A profile that is wrong is refused when it is given, by its name")
    func refusesProfiles() {
        var configuration = AgentConfiguration()
        var hot = AgentOverrides()
        hot.temperature = 9
        hot.memory = .summary(0)
        configuration.profiles["hot"] = hot
        #expect(
            throws: AgentError.invalidConfiguration([
                "profile hot: temperature must be from 0 to 2",
                "profile hot: memory must keep at least 1 message or token",
            ])
        ) { try self.agent(ScriptedModel([]), configuration) }
    }

    @Test("A call may name its model and the tools that may be called; one that there is not is refused")
    func chooses() async throws {
        let model = ScriptedModel { _, _ in ModelResponse(text: "Yes.") }
        let agent = try self.agent(model)
        try await agent.registerTool(Self.lookup)
        var overrides = AgentOverrides()
        (overrides.model, overrides.tools) = ("gpt-4o", [])
        try await agent.send("?", overrides: overrides)
        try await agent.send("?")
        #expect(model.requests.map(\.model) == ["gpt-4o", nil])
        #expect(model.requests.map(\.tools.count) == [0, 1])
        overrides.tools = ["none"]
        await #expect(throws: AgentError.invalidConfiguration(["tools: there is no tool named none"])) {
            try await agent.send("?", overrides: overrides)
        }
    }

    @Test("A second message during the first is refused")
    func answersOneAtATime() async throws {
        let (asked, answer) = (Meeting(of: 2), Meeting(of: 2))
        let agent = try self.agent(
            ScriptedModel { _, _ in
                await asked.arrive()
                await answer.arrive()
                return ModelResponse(text: "Done.")
            })
        let first = Task { try await agent.send("one") }
        await asked.arrive()
        await #expect(throws: AgentError.busy) { try await agent.send("two") }
        await answer.arrive()
        #expect(try await first.value == "Done.")
    }

    @Test("Agents called by tools of agents end at the limit of their nesting")
    func limitsDepth() async throws {
        let model = ScriptedModel { request, _ in
            if case .tool(_, let result) = request.messages.last { return ModelResponse(text: result) }
            return .calling("delegate")
        }
        let deeper = Recursion(model: model)
        #expect(try await deeper.agent(logger: Self.quiet).send("?").contains("nested 3 deep"))
    }

    /// A tool that asks another agent with the same tool.
    private struct Recursion: Sendable {
        let model: ScriptedModel

        func agent(logger: Logger) throws -> ChatAgent {
            let delegate = FunctionTool("delegate", "Asks another agent.") { _ in
                do {
                    return ToolResult(success: true, value: .string(try await agent(logger: logger).send("?")))
                } catch let error as AgentError {
                    return .failure(error.description)
                }
            }
            return try ChatAgent(model: model, tools: ToolRegistry([delegate]), logger: logger)
        }
    }
}
