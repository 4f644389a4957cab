public import HTTP
public import Providers

/// What the tools of a call are made of beside the calendar and the mail. Made once for a process.
public struct ToolSources: Sendable {
    /// Nil: the program's own tools, as they are.
    public var file: ToolsFile?
    /// For custom tools; without it there are none.
    public var http: HTTPClient?
    /// Where custom tools may go.
    public var destinations = DestinationPolicy.publicOnly
    /// Nil: `consultar_mikrotik` is not offered.
    public var mikrotik: MikroTikClient?
    /// E.164 number of a person; nil: there is nobody to put a caller through to.
    public var transferNumber: String?
    /// Nil: no text messages are sent.
    public var messenger: (any TextMessenger)?

    public init() {}

    var definitions: ToolDefinitions { file?.definitions ?? .standard }
}
