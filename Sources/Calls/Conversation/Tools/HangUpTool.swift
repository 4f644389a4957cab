import Agents
import Platform

/// Ends the call once the goodbye is spoken: the system action `disconnect`.
struct HangUpTool: Tool {
    static let name = "terminarLlamada"

    var description: ToolDescription { Self.about }

    private static let about = ToolDescription(
        name: name,
        description:
            "Ends the call after your goodbye has been spoken. Use it when the caller says goodbye, or when everything "
            + "is settled and they want nothing more. Say the goodbye in the same answer.",
        parameters: ["type": "object", "properties": [:], "additionalProperties": false])
    let isConcurrencySafe = false
    let endsConversation = true

    func execute(_ arguments: JSON) async throws -> ToolResult {
        ToolResult(success: true, value: ["success": true, "system_action": "disconnect"])
    }
}
