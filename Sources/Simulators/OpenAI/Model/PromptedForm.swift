import Platform

/// A prompt that carries tools, history and the form of the answer in its words, where OpenAI's API has fields for them: what
/// the functions of `baml_src/` make. The model follows it as it would follow the fields.
struct PromptedForm {
    private enum Answer {
        /// Words and calls of tools as one object.
        case turn
        /// A value that satisfies the schema of the prompt.
        case structured
    }

    private static let forms = "Answer with JSON of this form and nothing else:\n"
    private static let schemas = "Answer with JSON that satisfies this JSON Schema, and nothing else:\n"
    private static let tools = "\nYour tools, with the JSON Schema of their arguments:\n"

    /// The same prompt as it would be without BAML.
    private(set) var prompt: ChatPrompt
    private var answer: Answer

    /// Nil when the prompt is no such one.
    init?(_ original: ChatPrompt) {
        guard original.tools.isEmpty, original.responseSchema == nil, let system = original.messages.first,
            system.isInstruction, let text = system.text
        else { return nil }
        prompt = original
        var instructions: Substring
        if let parts = text.parted(at: Self.schemas) {
            instructions = parts.before
            answer = .structured
            prompt.responseSchema = try? JSON(parsing: String(parts.after.prefix { $0 != "\n" }))
        } else if let parts = text.parted(at: Self.forms) {
            instructions = parts.before
            answer = .structured
            prompt.responseSchema = Self.schema(ofForm: parts.after)
        } else {
            return nil
        }
        if let parts = instructions.parted(at: Self.tools) {
            answer = .turn
            prompt.responseSchema = nil
            prompt.tools = Self.tools(in: parts.after)
            if parts.after.contains("\nCall none of them now") { prompt.toolChoice = .none }
            instructions = parts.before.parted(at: "\nEach message of the conversation is a JSON object:")?.before ?? ""
        }
        prompt.messages[0].text = String(instructions)
        prompt.messages = Self.messages(prompt.messages)
    }

    /// What the model says to the prompt, in the form that it asks for.
    func text(of answer: ChatAnswer) -> String {
        guard self.answer == .turn else { return answer.text ?? "" }
        let calls = answer.calls.map { ["tool": .string($0.name), "args_json": $0.arguments] as JSON }
        return JSON.object(["message": answer.text.map { .string($0) } ?? .null, "calls": .array(calls)]).text
    }

    // MARK: reading

    private static func tools(in text: Substring) -> [ChatPrompt.Tool] {
        let list = try? JSON(parsing: String(text.prefix { $0 != "\n" }))
        return (list?.array ?? []).compactMap { tool in
            guard let name = tool["name"]?.string, let parameters = tool["parameters"] else { return nil }
            return ChatPrompt.Tool(
                name: name, description: tool["description"]?.string ?? "", parameters: parameters)
        }
    }

    /// Each message but the first is an object: the caller's words, an answer with its calls, or the result of a call.
    private static func messages(_ messages: [ChatPrompt.Message]) -> [ChatPrompt.Message] {
        var open: [String] = []
        return messages.enumerated().map { number, message in
            guard number > 0, let body = message.text.flatMap({ try? JSON(parsing: $0) }), body.object != nil else {
                return message
            }
            if message.role == "assistant" {
                let calls = (body["calls"]?.array ?? []).enumerated().map { index, call in
                    ChatPrompt.Call(
                        id: "call_\(number)_\(index)", name: call["tool"]?.string ?? "",
                        arguments: call["args_json"]?.string ?? call["args_json"]?.text ?? "")
                }
                open = calls.map(\.id)
                return ChatPrompt.Message(role: "assistant", text: body["message"]?.string, toolCalls: calls)
            }
            if let words = body["user"]?.string { return ChatPrompt.Message(role: "user", text: words) }
            guard let result = body["result"]?.string, !open.isEmpty else { return message }
            return ChatPrompt.Message(role: "tool", text: result, toolCallID: open.removeFirst())
        }
    }

    /// The JSON Schema of a form as BAML prints it, a line for each member: `outcome: "a" | "b",` or `email: string | null,`.
    private static func schema(ofForm text: Substring) -> JSON {
        var properties: [String: JSON] = [:]
        for line in text.prefix(while: { $0 != "}" }).split(separator: "\n") where !line.hasPrefix("  //") {
            guard let parts = line.parted(at: ": ") else { continue }
            let name = String(parts.before.drop { $0 == " " })
            let options = parts.after.prefix { $0 != "," }.split(separator: "|").map { option in
                String(option.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
            }
            let values = options.compactMap { try? JSON(parsing: $0) }
            properties[name] =
                options.contains("string")
                ? ["type": .array(options.map { .string($0) })] : ["enum": .array(values)]
        }
        return ["type": "object", "properties": .object(properties)]
    }
}

extension StringProtocol where SubSequence == Substring {
    /// What stands before and after the first occurrence.
    fileprivate func parted(at mark: String) -> (before: Substring, after: Substring)? {
        guard let range = firstRange(of: mark) else { return nil }
        return (self[..<range.lowerBound], self[range.upperBound...])
    }
}
