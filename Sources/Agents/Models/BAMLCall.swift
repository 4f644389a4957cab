import Platform

/// A call of a function of `baml_src/`: its name, and its arguments as those files declare them.
struct BAMLCall: Sendable {
    static let turn = "AnswerTurn"
    static let bySchema = "AnswerBySchema"

    let function: String
    let body: JSON

    /// - Parameter arguments: beside the instructions and messages, which every function takes.
    init(function: String, messages: [Message], arguments: [String: JSON]) {
        self.function = function
        // What stands before the conversation is instructions; a later word of the system keeps its place in it.
        let conversation = messages.drop { if case .system = $0 { true } else { false } }
        let instructions = messages.prefix(messages.count - conversation.count).compactMap { message in
            if case .system(let text) = message { text } else { nil }
        }
        var arguments = arguments
        arguments["instructions"] = .string(instructions.joined(separator: "\n\n"))
        arguments["messages"] = .array(Self.messages(conversation))
        body = .object(arguments)
    }

    static func tool(_ tool: ToolDescription) -> JSON {
        ["name": .string(tool.name), "description": .string(tool.description), "parameters": tool.parameters]
    }

    private static func messages(_ conversation: some Sequence<Message>) -> [JSON] {
        var toolNames: [String: String] = [:]
        return conversation.map { message in
            switch message {
            case .system(let text): ["role": "system", "text": .string(text)]
            case .user(let text): ["role": "user", "text": .string(text)]
            case .assistant(let text, let calls):
                [
                    "role": "assistant", "text": text.map { .string($0) } ?? .null,
                    "calls": .array(
                        calls.map { call in
                            toolNames[call.id] = call.name
                            return ["tool": .string(call.name), "args_json": .string(call.arguments)]
                        }),
                ]
            case .tool(let id, let content):
                ["role": "tool", "tool": .string(toolNames[id] ?? id), "text": .string(content)]
            }
        }
    }
}
