import HTTP
import Platform
import Testing

@Suite("operadora chat as the model writes")
struct ChatStreamingTests {
    private func chunk(_ delta: JSON, finishReason: JSON = .null) -> [UInt8] {
        let chunk: JSON = [
            "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m",
            "choices": [["index": 0, "delta": delta, "finish_reason": finishReason]],
        ]
        return Array("data: \(chunk.text)\n\n".utf8)
    }

    @Test("Words are on the screen before the rest of the answer is written")
    func words() async throws {
        let (pieces, model) = AsyncThrowingStream<[UInt8], any Error>.makeStream(bufferingPolicy: .bufferingOldest(8))
        let logger = Logger(label: "test", level: .critical)
        let server = try HTTPServer(configuration: HTTPServer.Configuration(), logger: logger) { _ in
            HTTPServerResponse(headers: ["Content-Type": "text/event-stream"], stream: pieces)
        }
        let serving = Task { try await server.run() }
        let bench = try await CommandBench()
        let chat = try Executable(
            ["chat"],
            bench.environment.merging([
                "OPENAI_BASE_URL": "http://127.0.0.1:\(server.port)/v1", "CALENDAR_PROVIDER": "local",
            ]) { $1 }, input: "hello\n")
        model.yield(chunk(["role": "assistant", "content": "One moment,"]))
        // Nothing else has been written yet.
        #expect(await chat.output.has("you> hello\nagent> One moment,"))
        model.yield(chunk(["content": " please."]))
        model.yield(chunk([:], finishReason: "stop"))
        model.yield(Array("data: [DONE]\n\n".utf8))
        model.finish()
        #expect(await chat.output.rest().hasSuffix("agent> One moment, please.\nyou> \n"))
        #expect(try await chat.process.exit() == .status(0))
        await server.stop(within: .seconds(1))
        try await serving.value
    }
}
