import Agents
import Platform

/// `transfer_to_human`: the call is put through to a person once the words beside it are spoken.
struct TransferTool: Tool {
    static let name = "transfer_to_human"
    static let action = "transfer"

    /// Whether there is anybody.
    let hasNumber: Bool
    /// It does nothing itself.
    let isRepeatable = true
    let isConcurrencySafe = false
    let endsConversation = true

    var description: ToolDescription { Self.about }

    private static let about = ToolDescription(
        name: name,
        description:
            "Puts the caller through to a person. Use it when they ask for one, or when you cannot help them. Say in "
            + "the same answer that you are connecting them.",
        parameters: [
            "type": "object",
            "properties": [
                "reason": ["type": "string", "maxLength": 500, "description": "Why, in a few words, for our records"]
            ],
            "additionalProperties": false,
        ])

    func execute(_ arguments: JSON) async throws -> ToolResult {
        guard hasNumber else {
            return MeetingTools.refusal(
                "nobody_available",
                "no person can take the call: say so, offer that a colleague calls back, and if that is agreed, or nothing "
                    + "else is wanted, say goodbye and end the call")
        }
        return ToolResult(success: true, value: ["success": true, "system_action": .string(Self.action)])
    }
}
