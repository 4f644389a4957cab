public import Jobs
public import Platform

/// One tool, run by itself: for the server behind a page, a bridge, a script.
public struct ExecuteTool: Job, Hashable {
    public static let kind = "execute_tool"
    public static var defaults: JobOptions {
        var options = JobOptions()
        // Apart from the turns, whose slots they would take: a tool may need many times as long.
        options.queue = "tools"
        options.priority = 10
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

    /// The queue's options: in the order of the call's turns, and the same job for a day for who asks for the same under the
    /// same key.
    ///
    /// - Parameter idempotencyKey: at most 128 bytes.
    public func options(idempotencyKey: String) throws -> JobOptions {
        let digest = Cryptography.sha256(try JSON(encoding: self).bytes).prefix(16).hexadecimal
        var options = Self.defaults
        options.key = callID.map { "call:\($0)" }
        options.uniqueKey = "execute_tool:\(digest):\(idempotencyKey)"
        options.uniqueFor = .seconds(86_400)
        return options
    }
}
