import Agents
import HTTP
import Platform

/// Shows a web page to the person: the system action `open_url` where there is a browser or a chat. On a telephone the link is sent.
struct OpenLinkTool: Tool {
    static let action = "open_url"

    let description: ToolDescription
    /// Nil where a browser opens it, or a chat shows it.
    let delivery: LinkDelivery?
    /// A link is sent once, however often that is asked for.
    let isRepeatable = true

    init(
        _ definition: SystemToolDefinition = SystemToolDefinition.Kind.openURL.usual, delivery: LinkDelivery? = nil
    ) {
        description = ToolDescription(definition)
        self.delivery = delivery
    }

    func execute(_ arguments: JSON) async throws -> ToolResult {
        guard let url = WebURL(typed: arguments["url"]?.string ?? "") else {
            return MeetingTools.refusal(
                "not_a_web_address", "this is no web address: give the whole one, such as https://example.com/page")
        }
        // Nobody here looks the name up: it is the person's own browser that will.
        if let objection = DestinationPolicy.publicOnly.objection(to: url) {
            return MeetingTools.refusal("not_allowed", "this address may not be opened: \(objection)")
        }
        if let delivery { return try await delivery.send(url.text, as: description.name) }
        return ToolResult(
            success: true,
            value: ["success": true, "system_action": .string(Self.action), "url": .string(url.text)])
    }
}
