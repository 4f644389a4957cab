import Platform
import Synchronization
import Testing

@testable import Agents

@Suite("Agent loop")
struct AgentLoopTests {
    private static let quiet = Logger(label: "test", level: .critical)
    private static let lookup = FunctionTool("lookup", "Looks it up.") { _ in
        ToolResult(success: true, value: ["answer": 42])
    }
    private static let hangUp = FunctionTool("hang_up", "Ends the call.", endsConversation: true) { _ in
        ToolResult(success: true, value: ["success": true])
    }

    private func loop(_ model: ScriptedModel, isStreaming: Bool = false) throws -> AgentLoop {
        let registry = try ToolRegistry([Self.lookup, Self.hangUp])
        let executor = ToolExecutor(registry: registry, logger: Self.quiet)
        var loop = AgentLoop(model: model, executor: executor, logger: Self.quiet)
        loop.isStreaming = isStreaming
        return loop
    }

    @Test("An answer in words ends the run", arguments: [false, true])
    func answers(_ isStreaming: Bool) async throws {
        let model = ScriptedModel([
            ModelResponse(text: "Hello you.", usage: ModelUsage(promptTokens: 5, completionTokens: 2))
        ])
        let run = try await loop(model, isStreaming: isStreaming).run([.user("Hi")])
        #expect(run.stop == .answered)
        #expect(run.text == "Hello you.")
        #expect(run.modelCalls == 1)
        #expect(run.usage == ModelUsage(promptTokens: 5, completionTokens: 2))
    }

    @Test("The model is asked again with the results of the tools that it called", arguments: [false, true])
    func executes(_ isStreaming: Bool) async throws {
        let model = ScriptedModel([.calling("lookup"), ModelResponse(text: "42.")])
        let run = try await loop(model, isStreaming: isStreaming).run([.user("?")])
        let added: [Message] = [
            .assistant(nil, toolCalls: [ToolCall(id: "call_1", name: "lookup", arguments: "{}")]),
            .tool(callID: "call_1", #"{"answer":42}"#),
        ]
        #expect(model.requests[1].messages == [.user("?")] + added)
        #expect(run.messages == added + [.assistant("42.")])
        #expect(run.executions.map(\.call.name) == ["lookup"])
    }

    @Test("A tool that ends the conversation ends the run with the words beside it")
    func ends() async throws {
        let model = ScriptedModel([.calling("hang_up", saying: "Goodbye.")])
        let run = try await loop(model).run([.user("Bye")])
        #expect(run.stop == .ended)
        #expect(run.text == "Goodbye.")
    }

    @Test("It does not when another call of the round failed: the model learns of that first")
    func doesNotEndOnFailure() async throws {
        let calls = [
            ToolCall(id: "call_1", name: "nonsense", arguments: "{}"),
            ToolCall(id: "call_2", name: "hang_up", arguments: "{}"),
        ]
        let model = ScriptedModel([
            ModelResponse(text: "Done, goodbye.", toolCalls: calls), ModelResponse(text: "I could not do it."),
        ])
        let run = try await loop(model).run([.user("Do it, bye")])
        #expect(run.stop == .answered)
        #expect(run.text == "I could not do it.")
    }

    @Test("A model that calls tools for ever is asked for words, then stopped")
    func limitsRounds() async throws {
        let model = ScriptedModel { _, number in .calling("lookup", "{\"n\":\(number)}") }
        let run = try await loop(model).run([.user("?")])
        #expect(run.stop == .roundLimit)
        #expect(model.requests.map(\.mayCallTools) == [true, true, true, true, true, false])
    }

    @Test("A model that makes the same calls over and over is asked for words, and may still answer")
    func noticesCircles() async throws {
        let model = ScriptedModel { request, _ in
            request.mayCallTools ? .calling("lookup") : ModelResponse(text: "It is 42.")
        }
        let run = try await loop(model).run([.user("?")])
        #expect(run.text == "It is 42.")
        #expect(model.requests.count == 4)
    }

    @Test("A model that goes in circles even when asked for words is stopped")
    func stopsCircles() async throws {
        let run = try await loop(ScriptedModel { _, _ in .calling("lookup") }).run([.user("?")])
        #expect(run.stop == .repeatedCalls)
    }

    @Test("A model that answers nothing is asked once more, then stopped")
    func stopsSilence() async throws {
        let silent = ScriptedModel { _, _ in ModelResponse(text: " ") }
        #expect(try await loop(silent).run([.user("?")]).stop == .emptyAnswer)
        #expect(silent.requests.count == 2)
        let recovers = ScriptedModel([ModelResponse(text: nil), ModelResponse(text: "Yes?")])
        #expect(try await loop(recovers).run([.user("?")]).text == "Yes?")
    }

    @Test("A model that fails ends the run with its account", arguments: [false, true])
    func reportsFailure(_ isStreaming: Bool) async throws {
        let model = ScriptedModel([.calling("lookup")])
        let run = try await loop(model, isStreaming: isStreaming).run([.user("?")])
        guard case .modelFailed(let error) = run.stop else { return #expect(Bool(false), "\(run.stop)") }
        #expect(error.code == .unavailable)
        #expect(run.modelCalls == 2)
        #expect(run.executions.count == 1)
    }

    @Test("A run whose time is up says so, and the model is not asked")
    func endsInTime() async throws {
        let model = ScriptedModel([ModelResponse(text: "Late.")])
        var loop = try loop(model)
        loop.limits.timeout = .zero
        #expect(try await loop.run([.user("?")]).stop == .outOfTime)
        #expect(model.requests.isEmpty)
    }

    @Test("An answer that does not satisfy the schema is repaired, and the repair is no part of the conversation")
    func repairs() async throws {
        let usage = ModelUsage(promptTokens: 10, completionTokens: 1)
        let model = ScriptedModel([
            .calling("lookup"), ModelResponse(text: "It is 42.", usage: usage),
            ModelResponse(text: #"{"answer":42}"#, usage: usage),
        ])
        var loop = try loop(model)
        loop.responseSchema = ("answer", ["type": "object", "required": ["answer"]])
        let run = try await loop.run([.user("?")])
        #expect(run.text == #"{"answer":42}"# && run.messages.last == .assistant(#"{"answer":42}"#))
        #expect(run.messages.count == 3 && run.usage == usage + usage)
        let told = try #require(model.requests.last?.messages.suffix(2))
        #expect(told.first == .assistant("It is 42."))
        #expect(
            told.last
                == .user("Your answer was not valid: the answer as answer is not JSON. Answer again, only as JSON."))
    }

    @Test("A model whose answers stay invalid has failed")
    func givesUpRepairs() async throws {
        let model = ScriptedModel { _, _ in ModelResponse(text: "42") }
        var loop = try loop(model)
        loop.responseSchema = ("answer", ["type": "object"])
        guard case .modelFailed(let error) = try await loop.run([.user("?")]).stop else {
            return #expect(Bool(false), "it has not failed")
        }
        #expect(error.code == .invalidAnswer && error.detail == "answer must be an object")
        #expect(model.requests.count == 2)
    }

    @Test("Every step is in the log with the name of its run, and no word of the conversation")
    func logs() async throws {
        let lines = Mutex<[String]>([])
        let logger = Logger(label: "test", level: .debug, format: .json) { line in lines.withLock { $0.append(line) } }
        let executor = ToolExecutor(registry: try ToolRegistry([Self.lookup]), logger: logger)
        let model = ScriptedModel([.calling("lookup", #"{"word":"secret"}"#), ModelResponse(text: "A secret.")])
        _ = try await AgentLoop(model: model, executor: executor, logger: logger).run([.user("A secret?")])
        let entries = try lines.withLock { $0 }.map { try JSON(parsing: $0) }
        #expect(
            entries.compactMap { $0["message"]?.string } == [
                "model asked", "model answered", "tool call begun", "tool call ended", "model asked", "model answered",
                "agent run ended",
            ])
        #expect(Set(entries.map { $0["run"]?.string }).count == 1 && entries[0]["run"] != nil)
        #expect(entries.allSatisfy { !$0.text.contains("secret") })
    }

    @Test("What happens is told in order")
    func observes() async throws {
        let told = Mutex<[String]>([])
        let model = ScriptedModel([.calling("lookup", saying: "One moment."), ModelResponse(text: "It is 42.")])
        _ = try await loop(model, isStreaming: true).run([.user("?")]) { event in
            let name =
                switch event {
                case .text(let piece): "text \(piece)"
                case .toolStarted(let call): "started \(call.name)"
                case .toolEnded(let ended): "ended \(ended.call.name)"
                case .finished(let run): "finished \(run.text ?? "")"
                }
            told.withLock { $0.append(name) }
        }
        #expect(
            told.withLock { $0 } == [
                "text One", "text  moment.", "started lookup", "ended lookup", "text It", "text  is", "text  42.",
                "finished It is 42.",
            ])
    }
}
