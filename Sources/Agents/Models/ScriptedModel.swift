import Synchronization

/// A model that answers what it was told to: for tests of agents and tools.
public final class ScriptedModel: LanguageModel {
    /// Gets each request with its number, from 0.
    public typealias Script = @Sendable (ModelRequest, Int) async throws -> ModelResponse

    private let script: Script
    private let received = Mutex<[ModelRequest]>([])

    public init(_ script: @escaping Script) { self.script = script }

    /// Answers in this order; asked for more, it fails with `ModelError` (`.unavailable`).
    public convenience init(_ answers: [ModelResponse]) {
        self.init { _, number in
            guard answers.indices.contains(number) else { throw ModelError(.unavailable, "the script has ended") }
            return answers[number]
        }
    }

    /// Every request so far, in order.
    public var requests: [ModelRequest] { received.withLock { $0 } }

    public func respond(to request: ModelRequest) async throws -> ModelResponse {
        let number = received.withLock { requests in
            requests.append(request)
            return requests.count - 1
        }
        return try await script(request, number)
    }

    /// The words of the answer one by one, then the answer.
    public func stream(_ request: ModelRequest) -> AsyncThrowingStream<ModelEvent, any Error> {
        let events = Mutex<[ModelEvent]?>(nil)
        return AsyncThrowingStream {
            if events.withLock({ $0 == nil }) {
                let response = try await self.respond(to: request)
                events.withLock { $0 = Self.events(of: response) }
            }
            return events.withLock { events in events?.isEmpty == false ? events?.removeFirst() : nil }
        }
    }

    private static func events(of response: ModelResponse) -> [ModelEvent] {
        let words = (response.text ?? "").split(separator: " ", omittingEmptySubsequences: false)
        let pieces = words.enumerated().map { ModelEvent.text(($0 == 0 ? "" : " ") + $1) }
        return (response.text == nil ? [] : pieces) + [.finished(response)]
    }
}

extension ModelResponse {
    /// An answer that calls one tool.
    public static func calling(
        _ name: String, _ arguments: String = "{}", id: String = "call_1", saying text: String? = nil
    ) -> ModelResponse {
        ModelResponse(
            text: text, toolCalls: [ToolCall(id: id, name: name, arguments: arguments)], finishReason: "tool_calls")
    }
}
