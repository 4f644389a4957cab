import Platform

/// The rules of `messages`: roles, contents, and that every tool call is answered right after it was made.
enum ChatMessages {
    private static let roles = ["system", "assistant", "user", "function", "tool", "developer"]

    static func read(_ field: RequestField) throws(OpenAIError) -> [ChatPrompt.Message] {
        var messages: [ChatPrompt.Message] = []
        // The calls of the last assistant message that still want their results.
        var open: [String] = []
        for (index, element) in try field.array(minimum: 1).enumerated() {
            let message = try message(in: element)
            if message.role == "tool" {
                guard let id = message.toolCallID, let position = open.firstIndex(of: id) else {
                    throw OpenAIError(
                        "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with "
                            + "'tool_calls'.", param: "messages.[\(index)].role")
                }
                open.remove(at: position)
            } else {
                try checkAnswered(open, before: index)
                open = message.toolCalls.map(\.id)
            }
            messages.append(message)
        }
        try checkAnswered(open, before: messages.count)
        return messages
    }

    private static func checkAnswered(_ open: [String], before index: Int) throws(OpenAIError) {
        guard !open.isEmpty else { return }
        throw OpenAIError(
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
                + "'tool_call_id'. The following tool_call_ids did not have response messages: "
                + open.joined(separator: ", "), param: "messages.[\(index)].role")
    }

    private static func message(in field: RequestField) throws(OpenAIError) -> ChatPrompt.Message {
        let role = try field.required("role").string(oneOf: roles)
        try field.allow(members(of: role))
        var message = ChatPrompt.Message(role: role)
        message.toolCalls = try calls(field)
        message.text = try content(field, role: role, mayBeMissing: !message.toolCalls.isEmpty)
        if let name = field.member("name") { try checkName(name) }
        if role == "tool" { message.toolCallID = try field.required("tool_call_id").string() }
        return message
    }

    private static func members(of role: String) -> Set<String> {
        switch role {
        case "assistant": ["role", "content", "name", "tool_calls", "refusal", "audio", "function_call"]
        case "tool": ["role", "content", "tool_call_id"]
        default: ["role", "content", "name"]
        }
    }

    private static func content(
        _ field: RequestField, role: String, mayBeMissing: Bool
    ) throws(OpenAIError) -> String? {
        guard let content = field.member("content") else {
            guard mayBeMissing || field.member("refusal") != nil else {
                throw OpenAIError(
                    "Invalid value for 'content': expected a string, got null.", param: "\(field.path).content")
            }
            return nil
        }
        if let text = content.value.string { return text }
        guard content.value.array != nil else {
            throw .wrongType(content.path, expected: "one of a string or array of objects", got: content.value)
        }
        var text = ""
        for part in try content.array(minimum: 1) {
            // Images and audio are for users alone.
            let supported = role == "user" ? ["text", "image_url", "input_audio", "file"] : ["text", "refusal"]
            if try part.required("type").string(oneOf: supported) == "text" {
                text += try part.required("text").string()
            }
        }
        return text
    }

    private static func calls(_ field: RequestField) throws(OpenAIError) -> [ChatPrompt.Call] {
        guard let list = field.member("tool_calls") else { return [] }
        var calls: [ChatPrompt.Call] = []
        for element in try list.array(minimum: 1, maximum: 128) {
            try element.allow(["id", "type", "function"])
            _ = try element.required("type").string(oneOf: ["function"])
            let id = try element.required("id")
            let text = try id.string()
            guard text.count <= 40 else { throw tooLong(id.path, maximum: 40, count: text.count) }
            let function = try element.required("function")
            try function.allow(["name", "arguments"])
            let name = try function.required("name")
            try checkName(name)
            let arguments = try function.required("arguments").string()
            calls.append(ChatPrompt.Call(id: text, name: try name.string(), arguments: arguments))
        }
        return calls
    }

    /// 1 … 64 letters, digits, underscores and hyphens.
    static func checkName(_ field: RequestField) throws(OpenAIError) {
        let name = try field.string()
        guard name.count <= 64 else { throw tooLong(field.path, maximum: 64, count: name.count) }
        let isAllowed = name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || $0 == "-") }
        guard isAllowed, !name.isEmpty else {
            throw OpenAIError(
                "Invalid '\(field.path)': string does not match pattern. Expected a string that matches the pattern "
                    + "'^[a-zA-Z0-9_-]+$'.", param: field.path, code: "invalid_value")
        }
    }

    private static func tooLong(_ path: String, maximum: Int, count: Int) -> OpenAIError {
        OpenAIError(
            "Invalid '\(path)': string too long. Expected a string with maximum length \(maximum), but got a string "
                + "with length \(count) instead.", param: path, code: "string_above_max_length")
    }
}
