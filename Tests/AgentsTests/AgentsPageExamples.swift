import Agents
import HTTP
import Platform
import Synchronization
import Testing

/// The examples of docs/agents.md. What stands between the marks is on the page, word for word; `AgentsPageTests` compares.
@Suite("The examples of the page on agents")
struct AgentsPageExamples {
    private let logger = Logger(label: "test", level: .critical)
    private let mailbox = Mailbox()

    private func weather() throws -> FunctionTool {
        // page: a tool
        struct Question: Decodable, DescribedProperties {
            var city: String
            var days: Int?
            static let properties: [String: JSON] = ["city": "Name of the city", "days": ["minimum": 1, "maximum": 7]]
        }

        let weather = try FunctionTool(
            "weather", "The weather of a city.", taking: Question.self, isRetrySafe: true
        ) { question in
            ["city": question.city, "sky": "clear"]
        }
        // end
        return weather
    }

    @Test("A tool and an agent")
    func agent() async throws {
        let weather = try weather()
        let call: JSON = [
            "id": "call_1", "type": "function", "function": ["name": "weather", "arguments": #"{"city":"Lisbon"}"#],
        ]
        let server = ModelServer(
            ModelServer.completion(
                ["role": "assistant", "content": nil, "tool_calls": [call]], finishReason: "tool_calls"),
            ModelServer.completion(["role": "assistant", "content": "It will not."]),
            ModelServer.events([
                #"{"choices":[{"index":0,"delta":{"content":"Nor there."}}]}"#,
                #"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#, "[DONE]",
            ]))
        try await server.serve { url, client in
            let key = ModelServer.key
            // page: an agent
            var server = OpenAIModel.Configuration(model: "gpt-4o-mini", apiKey: key)
            server.baseURL = url
            let model = OpenAIModel(server, client: client)

            let agent = try ChatAgent(model: model, AgentConfiguration(instructions: "Be brief."), logger: logger)
            try await agent.registerTool(weather)

            print(try await agent.send("Will it rain in Lisbon?"))
            for try await event in agent.stream("And in Porto?") {
                if case .text(let piece) = event { print(piece, terminator: "") }
            }
            // end
            #expect(
                await agent.history.suffix(4)
                    == [
                        .tool(callID: "call_1", #"{"city":"Lisbon","sky":"clear"}"#), .assistant("It will not."),
                        .user("And in Porto?"), .assistant("Nor there."),
                    ])
        }
    }

    @Test("Tools with a schema that is given, and of a type of their own")
    func tools() async throws {
        let mailbox = mailbox
        // page: a given schema
        let note = FunctionTool(
            "note", "Notes a wish of the caller.",
            parameters: [
                "type": "object", "properties": ["wish": ["type": "string", "maxLength": 500]], "required": ["wish"],
                "additionalProperties": false,
            ]
        ) { arguments in
            guard let wish = arguments["wish"]?.string, !wish.isEmpty else { return .failure("ask what is wanted") }
            mailbox.add(wish)
            return ToolResult(success: true, value: ["noted": true])
        }
        // end

        // page: a type of its own
        struct OpeningHours: Tool {
            let description = ToolDescription(
                name: "opening_hours", description: "When we are open.", parameters: ["type": "object"])
            let isRetrySafe = true
            let timeout = Duration.seconds(3)
            let cacheLifetime: Duration? = .seconds(600)

            func execute(_ arguments: JSON) async throws -> ToolResult {
                ToolResult(success: true, value: ["monday": "9 to 5"])
            }

            func fallback(for arguments: JSON) -> ToolResult? {
                ToolResult(success: true, value: ["monday": "9 to 5, unless it is a holiday"])
            }
        }
        // end

        // page: synchronous work
        let digits = FunctionTool("digits", "Digits of e.", timeout: .seconds(20)) { _ in
            try await FunctionTool.onOwnThread {
                ToolResult(success: true, value: .string(slowDigits()))
            }
        }
        // end

        // page: a registry and an executor
        let registry = try ToolRegistry([note, OpeningHours(), digits])
        let executor = ToolExecutor(registry: registry, cache: ToolResultCache(), logger: logger)
        let ended = try await executor.execute([
            ToolCall(id: "call_1", name: "note", arguments: #"{"wish":"a call on Monday"}"#),
            ToolCall(id: "call_2", name: "opening_hours", arguments: ""),
        ])
        for execution in ended { print(execution.call.name, execution.result.success, execution.duration) }
        registry.unregister("digits")
        // end
        #expect(ended.allSatisfy(\.result.success) && mailbox.wishes == ["a call on Monday"])
        #expect(registry.list().count == 2 && registry.get("digits") == nil)
        #expect(try await digits.execute([:]).value == "2.718")
        #expect(OpeningHours().fallback(for: [:])?.success == true)
    }

    private final class Mailbox: Sendable {
        private let state = Mutex<[String]>([])
        var wishes: [String] { state.withLock { $0 } }
        func add(_ wish: String) { state.withLock { $0.append(wish) } }
    }

    @Test("Configuration, profiles, overrides, prices")
    func configuration() async throws {
        let key = ModelServer.key
        // page: configuration
        var configuration = AgentConfiguration(instructions: "You book meetings. Be brief.")
        configuration.temperature = 0.3
        configuration.limits.maximumRounds = 8
        configuration.memory = .summary(8_000)
        configuration.fallbackAnswer = "I am sorry, I cannot do that just now."
        configuration.prices = ["gpt-4o-mini": ModelPrice(prompt: 0.15, completion: 0.60, cachedPrompt: 0.075)]

        var precise = AgentOverrides()
        precise.temperature = 0
        precise.tools = ["opening_hours"]
        configuration.profiles["precise"] = precise
        // end
        configuration.profiles["precise"]?.tools = []
        let model = ScriptedModel { _, _ in
            ModelResponse(text: "Yes.", usage: ModelUsage(promptTokens: 1_000_000), model: "gpt-4o-mini-2024-07-18")
        }
        let agent = try ChatAgent(model: model, configuration, logger: logger)
        // page: a call of its own
        var now = AgentOverrides()
        now.maximumTokens = 200
        print(try await agent.send("Are you open on Monday?", profile: "precise", overrides: now))

        let account = await agent.account
        print(account.usage.promptTokens, account.cost ?? 0, account.toolCalls)
        // end
        #expect(model.requests[0].temperature == 0 && model.requests[0].maximumTokens == 200)
        #expect(account.cost == 0.15)

        try await ModelServer(
            ModelServer.failure(401), ModelServer.completion(["role": "assistant", "content": "I am the other."])
        ).serve { url, client in
            // page: a fallback model
            var first = OpenAIModel.Configuration(model: "gpt-4o-mini", apiKey: key)
            first.baseURL = url
            var second = OpenAIModel.Configuration(model: "small-model-of-ours", apiKey: nil)
            second.baseURL = url
            let model = FallbackModel(
                OpenAIModel(first, client: client), OpenAIModel(second, client: client), logger: logger)
            // end
            let response = try await model.respond(to: ModelServer.request)
            #expect(response.text == "I am the other.")
        }
    }

    @Test("A BAML server as the model")
    func baml() async throws {
        let password = "sk-baml-0123456789"
        let peer = ModelServer(.json(["message": "Hello.", "calls": []]))
        try await peer.serve { url, client in
            // page: a BAML server
            var server = BAMLModel.Configuration()
            server.baseURL = url
            server.password = password
            server.functions = ["call_outcome": "ConcludeCall"]
            let model = BAMLModel(server, client: client)
            // end
            let response = try await model.respond(to: ModelServer.request)
            #expect(response.text == "Hello.")
        }
        #expect(peer.requests.first?.headers["x-baml-api-key"] == password)
    }

    @Test("Structured output")
    func structured() async throws {
        let model = ScriptedModel([
            ModelResponse(text: "It is positive."), ModelResponse(text: #"{"mood":"good","reason":null}"#),
            ModelResponse(text: #"{"mood":"bad","reason":"the price"}"#),
        ])
        // page: structured output
        struct Verdict: Decodable {
            enum Mood: String, Decodable, CaseIterable { case good, bad }
            var mood: Mood
            var reason: String?
        }

        let agent = try ChatAgent(model: model, logger: logger)
        let verdict = try await agent.send("How did the caller like it? “Lovely, thanks!”", as: Verdict.self)

        let question = ModelRequest(messages: [.user("And this one? “Far too expensive.”")])
        let (other, usage) = try await model.answer(as: Verdict.self, to: question, repairs: 2)
        // end
        #expect(verdict.mood == .good && other.mood == .bad && other.reason == "the price" && usage == ModelUsage())
        #expect(model.requests.count == 3)
    }

    @Test("Memory, context, history")
    func memory() async throws {
        let model = ScriptedModel { _, _ in ModelResponse(text: "Yes.") }
        // page: memory
        let agent = try ChatAgent(model: model, logger: logger)
        await agent.setContext("caller", ["name": "Ana", "plan": "gold"])
        try await agent.send("Do you know me?")
        let history = await agent.history

        let another = try ChatAgent(model: model, history: history, logger: logger)
        try await another.configure { $0.memory = .lastMessages(20) }
        try await another.send("Still there?")
        await another.reset()
        // end
        #expect(model.requests[0].messages[0] == .system(#"\#n\#nContext: {"caller":{"name":"Ana","plan":"gold"}}"#))
        #expect(model.requests[1].messages.count == 3)
        #expect(await another.history.isEmpty)
    }

    @Test("A loop whose calls are made durable, and an agent in a test")
    func loop() async throws {
        let journal = Mailbox()
        // page: a test
        let model = ScriptedModel([
            .calling("note", #"{"wish":"a call on Monday"}"#), ModelResponse(text: "I have noted it."),
        ])
        // end
        let note = FunctionTool("note", "Notes.") { _ in ToolResult(success: true, value: [:]) }
        let executor = ToolExecutor(registry: try ToolRegistry([note]), logger: logger)
        // page: a loop
        let loop = AgentLoop(model: model, executor: executor, logger: logger)
        let run = try await loop.run([.system("Be brief."), .user("Call me on Monday.")]) { event in
            // The model learns of a result only when this returns: keep it first.
            if case .toolEnded(let execution) = event { journal.add(execution.result.value.text) }
        }
        print(run.stop, run.text ?? "", run.messages.count)
        // end
        #expect(run.text == "I have noted it." && journal.wishes == ["{}"])
    }
}

private func slowDigits() -> String { "2.718" }
