import Agents
import Platform

/// Ends the conversation once the goodbye is spoken: the system action `disconnect`. On a telephone call the line is hung up
/// after those words.
struct HangUpTool: Tool {
    static let action = "disconnect"

    let description: ToolDescription
    /// It does nothing itself.
    let isRepeatable = true
    let isConcurrencySafe = false
    let endsConversation = true

    init(_ definition: SystemToolDefinition = SystemToolDefinition.Kind.disconnect.usual) {
        description = ToolDescription(definition)
    }

    func execute(_ arguments: JSON) async throws -> ToolResult {
        ToolResult(success: true, value: ["success": true, "system_action": .string(Self.action)])
    }
}

extension ToolDescription {
    /// What a model is told of a system tool.
    init(_ definition: SystemToolDefinition) {
        self.init(name: definition.name, description: definition.description, parameters: definition.kind.parameters)
    }
}
