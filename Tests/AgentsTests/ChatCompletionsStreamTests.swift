import Platform
import Testing

@testable import Agents

@Suite("Streamed answers")
struct ChatCompletionsStreamTests {
    private func chunk(_ delta: JSON, finishReason: JSON = nil) -> String {
        JSON.object(["choices": [["index": 0, "delta": delta, "finish_reason": finishReason]]]).text
    }

    private func receive(_ chunks: [String]) throws -> (text: String, ModelResponse?) {
        var stream = ChatCompletionsStream()
        var text = ""
        for chunk in chunks {
            switch try stream.receive(chunk) {
            case .text(let piece): text += piece
            case .more: break
            case .finished(let response): return (text, response)
            }
        }
        return (text, nil)
    }

    @Test("Text comes in pieces, usage in a last chunk without choices")
    func putsTextTogether() throws {
        let (text, response) = try receive([
            chunk(["role": "assistant", "content": ""]), chunk(["content": "Good "]), chunk(["content": "day."]),
            chunk([:], finishReason: "stop"),
            #"{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":3,"total_tokens":12}}"#, "[DONE]",
        ])
        #expect(text == "Good day.")
        let usage = ModelUsage(promptTokens: 9, completionTokens: 3)
        #expect(response == ModelResponse(text: "Good day.", usage: usage, finishReason: "stop"))
    }

    @Test("Pieces of several tool calls are put together by their index")
    func putsCallsTogether() throws {
        func piece(_ index: Int64, _ id: JSON, _ name: JSON, _ arguments: String) -> String {
            chunk([
                "tool_calls": [
                    ["index": .integer(index), "id": id, "function": ["name": name, "arguments": .string(arguments)]]
                ]
            ])
        }
        let (_, response) = try receive([
            piece(0, "call_a", "first", ""), piece(0, nil, nil, #"{"n""#), piece(1, "call_b", "second", "{"),
            piece(0, nil, nil, ":1}"), piece(1, nil, nil, "}"), chunk([:], finishReason: "tool_calls"), "[DONE]",
        ])
        #expect(
            response?.toolCalls == [
                ToolCall(id: "call_a", name: "first", arguments: #"{"n":1}"#),
                ToolCall(id: "call_b", name: "second", arguments: "{}"),
            ])
        #expect(response?.text == nil)
    }

    @Test("A stream that ends without a finish reason is truncated")
    func noticesTruncation() throws {
        var stream = ChatCompletionsStream()
        _ = try stream.receive(chunk(["content": "Good"]))
        #expect { try stream.end() } throws: { ($0 as? ModelError)?.code == .truncated }
        #expect { try stream.receive("[DONE]") } throws: { ($0 as? ModelError)?.code == .truncated }
    }

    @Test(
        "A chunk that is no chunk is an error of its kind",
        arguments: [
            ("{\"choices\":", ModelError.Code.invalidAnswer),
            (#"{"error":{"message":"overloaded","type":"server_error"}}"#, .unavailable),
            (#"{"error":{"message":"…","code":"insufficient_quota"}}"#, .quotaExceeded),
        ])
    func refuses(_ chunk: String, _ code: ModelError.Code) {
        var stream = ChatCompletionsStream()
        #expect { try stream.receive(chunk) } throws: { ($0 as? ModelError)?.code == code }
    }

    @Test("An answer without end is cut off")
    func boundsSize() {
        var stream = ChatCompletionsStream()
        let piece = chunk(["content": .string(String(repeating: "x", count: 600_000))])
        #expect(throws: ModelError.self) {
            for _ in 0..<2 { _ = try stream.receive(piece) }
        }
    }
}
