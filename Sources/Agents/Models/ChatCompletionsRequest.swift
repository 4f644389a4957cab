import Platform

/// The body of `POST /chat/completions`: https://platform.openai.com/docs/api-reference/chat/create, checked against the
/// types of the package `openai`.
enum ChatCompletionsRequest {
    static func body(_ request: ModelRequest, model: String, isStreaming: Bool) -> JSON {
        var body: [String: JSON] = [
            "model": .string(model),
            "messages": .array(request.messages.map(message)),
        ]
        if !request.tools.isEmpty {
            body["tools"] = .array(request.tools.map(tool))
            if !request.mayCallTools { body["tool_choice"] = "none" }
        }
        if let temperature = request.temperature { body["temperature"] = .number(temperature) }
        if let limit = request.maximumTokens { body["max_completion_tokens"] = .integer(Int64(limit)) }
        if let (name, schema) = request.responseSchema {
            body["response_format"] = [
                "type": "json_schema",
                "json_schema": ["name": .string(name), "schema": schema, "strict": true],
            ]
        }
        if isStreaming {
            body["stream"] = true
            body["stream_options"] = ["include_usage": true]
        }
        return .object(body)
    }

    private static func message(_ message: Message) -> JSON {
        switch message {
        case .system(let text): ["role": "system", "content": .string(text)]
        case .user(let text): ["role": "user", "content": .string(text)]
        case .assistant(let text, let calls) where calls.isEmpty:
            ["role": "assistant", "content": .string(text ?? "")]
        case .assistant(let text, let calls):
            [
                "role": "assistant", "content": text.map { .string($0) } ?? .null,
                "tool_calls": .array(calls.map(toolCall)),
            ]
        case .tool(let id, let content): ["role": "tool", "tool_call_id": .string(id), "content": .string(content)]
        }
    }

    private static func toolCall(_ call: ToolCall) -> JSON {
        [
            "id": .string(call.id), "type": "function",
            "function": ["name": .string(acceptedName(call.name)), "arguments": .string(call.arguments)],
        ]
    }

    /// Models make up names, such as `multi_tool_use.parallel`, that the API refuses when they come back in the history.
    private static func acceptedName(_ name: String) -> String {
        let accepted = name.unicodeScalars.prefix(64).map { scalar in
            ToolRegistry.isNameCharacter(scalar) ? Character(scalar) : "_"
        }
        return accepted.isEmpty ? "unknown" : String(accepted)
    }

    private static func tool(_ tool: ToolDescription) -> JSON {
        [
            "type": "function",
            "function": [
                "name": .string(tool.name), "description": .string(tool.description), "parameters": tool.parameters,
            ],
        ]
    }
}
