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

    init(_ result: ToolResult) {
        success = result.success
        self.result = result.value.storable
        systemAction = result.success ? result.value["system_action"]?.string : nil
        url = systemAction == OpenLinkTool.action ? result.value["url"]?.string : nil
    }
}
