import Platform

/// A tool call as it was understood: ready to be executed, or refused.
struct ToolRequest: Sendable {
    enum Verdict {
        case ready(any Tool, JSON)
        /// With what the model is told.
        case refused(String)
    }

    /// What makes two calls the same: the tool and its arguments, however they are written.
    struct Key: Hashable {
        var name: String
        var arguments: JSON
    }

    let call: ToolCall
    /// Nil when the text is not JSON.
    let arguments: JSON?
    let verdict: Verdict

    init(_ call: ToolCall, _ registry: ToolRegistry, _ limits: ToolExecutor.Limits) {
        self.call = call
        guard call.arguments.utf8.count <= limits.maximumArgumentBytes else {
            arguments = nil
            verdict = .refused("the arguments are too long")
            return
        }
        let written = ToolCallText.arguments(call.arguments)
        guard let entry = registry.entry(call.name) else {
            arguments = written
            let names = registry.descriptions.map(\.name).joined(separator: ", ")
            verdict = .refused("there is no tool named \(call.name.prefix(64)); there are: \(names)")
            return
        }
        guard let written else {
            arguments = nil
            verdict = .refused("the arguments are not valid JSON: write one JSON object")
            return
        }
        let given = ToolCallText.withoutNulls(written, entry.schema.root)
        arguments = given
        let violations = entry.schema.violations(of: given, at: "arguments")
        verdict =
            violations.isEmpty
            ? .ready(entry.tool, given) : .refused(violations.map(\.description).joined(separator: "; "))
    }

    /// Nil when it is refused.
    var tool: (any Tool)? { if case .ready(let tool, _) = verdict { tool } else { nil } }

    /// What is refused runs nothing.
    var mayRunBesideOthers: Bool { tool?.isConcurrencySafe ?? true }

    /// Nil when it is refused.
    var key: Key? {
        if case .ready(_, let arguments) = verdict { Key(name: call.name, arguments: arguments) } else { nil }
    }
}
