import Agents
public import Platform
import Postgres

/// What came of an `ExecuteTool`: the job's result.
public struct ToolAnswer: Codable, Sendable, Hashable {
    public var success: Bool
    /// For the model.
    public var result: JSON
    /// What is to be done where the person is: `disconnect`, `open_url` or `transfer`.
    public var systemAction: String?
    /// The page that `open_url` opens: a whole address, http or https.
    public var url: String?

    enum CodingKeys: String, CodingKey {
        case success, result, url
        case systemAction = "system_action"
    }

    /// Of a tool that was begun and came to no end that anybody knows.
    public static let interrupted = ToolAnswer(.interrupted)

    /// Of a tool that was not run, or has not ended: a `reason` for programs, and the problem in words for the model.
    public static func refusal(_ reason: String, _ problem: String) -> ToolAnswer {
        ToolAnswer(MeetingTools.refusal(reason, problem))
    }

    init(_ result: ToolResult) {
        success = result.success
        self.result = result.value.storable
        systemAction = result.success ? result.value["system_action"]?.string : nil
        url = systemAction == OpenLinkTool.action ? result.value["url"]?.string : nil
    }
}

extension ToolResult {
    static let interrupted = ToolResult.uncertain(
        "the tool was interrupted; it may or may not have been done: do not call it again")
}
