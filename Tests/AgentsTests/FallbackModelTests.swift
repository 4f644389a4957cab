import Platform
import Testing

@testable import Agents

@Suite("Fallback model")
struct FallbackModelTests {
    private static let quiet = Logger(label: "test", level: .critical)
    private static let away = ScriptedModel([])
    private static let well = ScriptedModel { _, _ in ModelResponse(text: "I am here.") }

    private func read(_ model: some LanguageModel) async throws -> [ModelEvent] {
        var events: [ModelEvent] = []
        for try await event in model.stream(ModelRequest(messages: [.user("?")])) { events.append(event) }
        return events
    }

    @Test("What one model cannot answer the next is asked, within an equal share of the time")
    func fallsBack() async throws {
        let (away, well) = (ScriptedModel([]), ScriptedModel { _, _ in ModelResponse(text: "I am here.") })
        var request = ModelRequest(messages: [.user("?")])
        request.timeout = .seconds(30)
        request.model = "only-of-the-first"
        let response = try await FallbackModel(away, well, logger: Self.quiet).respond(to: request)
        #expect(response.text == "I am here.")
        let shares = (away.requests + well.requests).map(\.timeout)
        #expect(shares[0] <= .seconds(15) && shares[0] > .seconds(14) && shares[1] > .seconds(25))
        #expect((away.requests + well.requests).map(\.model) == ["only-of-the-first", nil])
    }

    @Test("One that answers is the only one that is asked")
    func staysWithTheFirst() async throws {
        let other = ScriptedModel { _, _ in ModelResponse(text: "Other.") }
        let model = FallbackModel(Self.well, other, logger: Self.quiet)
        #expect(try await model.respond(to: ModelRequest(messages: [])).text == "I am here.")
        #expect(other.requests.isEmpty)
    }

    @Test("When none answers the last one's error is told, and a cancelled request asks nobody else")
    func fails() async throws {
        let refusing = ScriptedModel { _, _ in throw ModelError(.refused, "no") }
        let error = await #expect(throws: ModelError.self) {
            try await FallbackModel(Self.away, refusing, logger: Self.quiet).respond(to: ModelRequest(messages: []))
        }
        #expect(error?.code == .refused)
        let other = ScriptedModel { _, _ in ModelResponse(text: "Other.") }
        let cancelled = ScriptedModel { _, _ in throw CancellationError() }
        await #expect(throws: CancellationError.self) {
            try await FallbackModel(cancelled, other, logger: Self.quiet).respond(to: ModelRequest(messages: []))
        }
        #expect(other.requests.isEmpty)
    }

    @Test("A stream falls back before its first words")
    func streams() async throws {
        let events = try await read(FallbackModel(Self.away, Self.well, logger: Self.quiet))
        #expect(events.first == .text("I") && events.last == .finished(ModelResponse(text: "I am here.")))
    }

    @Test("A stream that breaks after its first words is told, since they cannot be taken back")
    func doesNotRepeatWords() async throws {
        let other = ScriptedModel { _, _ in ModelResponse(text: "Other.") }
        await #expect(throws: ModelError.self) { try await read(FallbackModel(Breaking(), other, logger: Self.quiet)) }
        #expect(other.requests.isEmpty)
    }

    /// Says a word, then fails.
    private struct Breaking: LanguageModel {
        func respond(to request: ModelRequest) async throws -> ModelResponse { throw ModelError(.truncated, "cut") }
        func stream(_ request: ModelRequest) -> AsyncThrowingStream<ModelEvent, any Error> {
            AsyncThrowingStream { continuation in
                continuation.yield(.text("Wel"))
                continuation.finish(throwing: ModelError(.truncated, "cut"))
            }
        }
    }
}
