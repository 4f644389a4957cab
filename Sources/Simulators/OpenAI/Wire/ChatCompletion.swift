import Platform

/// An answer in OpenAI's shape: whole, or as the chunks of a stream. Equal requests get equal answers, ids included.
struct ChatCompletion {
    private let id: String
    private let created: Int64
    private let request: ChatRequest
    private let answer: ChatAnswer

    init(_ answer: ChatAnswer, to request: ChatRequest, requestText: String, created: Int64) {
        self.answer = answer
        self.request = request
        self.created = created
        id = "chatcmpl-" + Self.letters(requestText, count: 29)
    }

    var finishReason: String { answer.calls.isEmpty ? "stop" : "tool_calls" }

    var json: JSON {
        head("chat.completion").merging([
            "choices": .array((0..<request.choices).map(choice)), "usage": usage,
        ])
    }

    /// The chunks of a stream as server-sent events, `[DONE]` included.
    var events: [[UInt8]] {
        var chunks = (0..<request.choices).flatMap(chunks)
        if request.includesUsage {
            chunks = chunks.map { $0.merging(["usage": .null]) } + [chunk(choices: []).merging(["usage": usage])]
        }
        return (chunks.map(\.text) + ["[DONE]"]).map { Array("data: \($0)\n\n".utf8) }
    }

    private func choice(_ index: Int) -> JSON {
        var message: [String: JSON] = [
            "role": "assistant", "content": answer.text.map { .string($0) } ?? .null, "refusal": .null,
            "annotations": [],
        ]
        if !answer.calls.isEmpty { message["tool_calls"] = .array(answer.calls.indices.map(call)) }
        return [
            "index": .integer(Int64(index)), "message": .object(message), "logprobs": .null,
            "finish_reason": .string(finishReason),
        ]
    }

    private func call(_ index: Int) -> JSON {
        [
            "id": .string(callID(index)), "type": "function",
            "function": [
                "name": .string(answer.calls[index].name), "arguments": .string(answer.calls[index].arguments.text),
            ],
        ]
    }

    private func callID(_ index: Int) -> String { "call_" + Self.letters("\(id) \(index)", count: 24) }

    /// Tokens are counted as four bytes each: near enough for limits and sums, and the same in every run.
    private var usage: JSON {
        let prompt =
            request.prompt.messages.reduce(3) { sum, message in
                let calls = message.toolCalls.reduce(0) { $0 + $1.name.utf8.count + $1.arguments.utf8.count }
                return sum + 4 + ((message.text ?? "").utf8.count + calls) / 4
            } + request.prompt.tools.reduce(0) { $0 + ($1.description.utf8.count + $1.parameters.text.utf8.count) / 4 }
        let completion = answer.calls.reduce(1 + (answer.text ?? "").utf8.count / 4) {
            $0 + 8 + $1.arguments.text.utf8.count / 4
        }
        return [
            "prompt_tokens": .integer(Int64(prompt)), "completion_tokens": .integer(Int64(completion)),
            "total_tokens": .integer(Int64(prompt + completion)),
            "prompt_tokens_details": ["cached_tokens": 0, "audio_tokens": 0],
            "completion_tokens_details": [
                "reasoning_tokens": 0, "audio_tokens": 0, "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            ],
        ]
    }

    private func head(_ object: String) -> JSON {
        [
            "id": .string(id), "object": .string(object), "created": .integer(created),
            "model": .string(request.prompt.model), "service_tier": "default", "system_fingerprint": "fp_simulated",
        ]
    }

    static func letters(_ text: String, count: Int) -> String {
        stableIdentifier(
            text, count: count, alphabet: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
    }
}

extension ChatCompletion {
    /// Role, text in words, tool calls in pieces, finish reason: one chunk each.
    private func chunks(of index: Int) -> [JSON] {
        var deltas: [JSON] = [["role": "assistant", "content": answer.calls.isEmpty ? "" : .null, "refusal": .null]]
        deltas += words.map { ["content": .string($0)] }
        for (position, call) in answer.calls.enumerated() {
            let first: JSON = [
                "index": .integer(Int64(position)), "id": .string(callID(position)), "type": "function",
                "function": ["name": .string(call.name), "arguments": ""],
            ]
            let rest: [JSON] = pieces(of: call.arguments.text).map {
                ["index": .integer(Int64(position)), "function": ["arguments": .string($0)]]
            }
            deltas += ([first] + rest).map { ["tool_calls": [$0]] }
        }
        let choices: [JSON] = deltas.map {
            ["index": .integer(Int64(index)), "delta": $0, "logprobs": .null, "finish_reason": .null]
        }
        let last: JSON = [
            "index": .integer(Int64(index)), "delta": [:], "logprobs": .null, "finish_reason": .string(finishReason),
        ]
        return (choices + [last]).map { chunk(choices: [$0]) }
    }

    private func chunk(choices: [JSON]) -> JSON {
        head("chat.completion.chunk").merging(["choices": .array(choices)])
    }

    /// The text cut before each space.
    private var words: [String] {
        var words: [String] = []
        for character in answer.text ?? "" {
            if character == " " || words.isEmpty { words.append("") }
            words[words.count - 1].append(character)
        }
        return words
    }

    /// Arguments arrive in pieces that are no JSON by themselves.
    private func pieces(of text: String) -> [String] {
        let characters = Array(text)
        return stride(from: 0, to: characters.count, by: 12).map {
            String(characters[$0..<min($0 + 12, characters.count)])
        }
    }
}

extension JSON {
    /// This object with those members added or replaced.
    func merging(_ members: [String: JSON]) -> JSON { .object((object ?? [:]).merging(members) { $1 }) }
}
