import Agents
public import Jobs
public import Platform

/// One tool, run by itself: for a page in a browser, a bridge, a script.
public struct ExecuteTool: Job, Hashable {
    public static let kind = "execute_tool"
    public static var defaults: JobOptions {
        var options = JobOptions()
        options.queue = "turns"
        // After the turns of telephone calls.
        options.priority = 20
        options.maximumAttempts = 5
        options.isAwaited = true
        // Nobody waits any more, and nobody expects it any more.
        options.startWithin = .seconds(60)
        return options
    }

    public var name: String
    /// As a model wrote them: the tool's schema decides.
    public var arguments: JSON
    /// Whose tools, caller and language they are; nil is nobody's: all tools, and the configured language and zone.
    public var callID: Int64?

    public init(name: String, arguments: JSON, callID: Int64? = nil) {
        self.name = name
        self.arguments = arguments
        self.callID = callID
    }

    enum CodingKeys: String, CodingKey {
        case name, arguments
        case callID = "call_id"
    }

    /// The queue's options: in the order of the call's turns, and the same job for a day for whoever gives the same key.
    ///
    /// - Parameter idempotencyKey: at most 128 bytes.
    public func options(idempotencyKey: String) -> JobOptions {
        var options = Self.defaults
        options.key = callID.map { "call:\($0)" }
        options.uniqueKey = "execute_tool:\(idempotencyKey)"
        options.uniqueFor = .seconds(86_400)
        return options
    }

    /// Tells whether two requests are the same.
    public var digest: String {
        get throws { Cryptography.sha256(try JSON(encoding: self).bytes).hexadecimal }
    }
}

/// What came of an `ExecuteTool`: the job's result.
public struct ToolAnswer: Codable, Sendable, Hashable {
    /// `ExecuteTool.digest` of what was asked for.
    public var request: String
    public var success: Bool
    /// For the model.
    public var result: JSON
    /// What is to be done where the person is: `disconnect`, `open_url` or `transfer`.
    public var systemAction: String?
    /// The page that `open_url` opens: a whole address, http or https.
    public var url: String?

    enum CodingKeys: String, CodingKey {
        case request, success, result, url
        case systemAction = "system_action"
    }

    init(_ result: ToolResult, to request: ExecuteTool) throws {
        self.request = try request.digest
        success = result.success
        self.result = result.value
        systemAction = result.success ? result.value["system_action"]?.string : nil
        url = systemAction == OpenLinkTool.action ? result.value["url"]?.string : nil
    }
}
