public import Agents
import HTTP
import Platform

/// A tool that the tools file declares: one HTTP request, made of the model's arguments.
public struct CustomToolDefinition: Sendable {
    public static let usualTimeout: Duration = .seconds(10)
    /// In seconds. A turn thinks for 25 s in all (`CallSettings.turnBudget`): the model needs the rest, before and after.
    static let timeouts: ClosedRange<Double> = 1...15
    public static let usualResponseBytes = 64 << 10

    public var tool: ToolDescription
    public var isEnabled = true
    /// GET, POST, PUT, PATCH or DELETE.
    public var method: String
    var url: TextTemplate
    var headers: [(name: String, value: TextTemplate)] = []
    /// Nil sends the arguments that the URL does not take: in the query of GET and DELETE, else as a JSON object.
    var body: JSONTemplate?
    /// Nil gives the model the whole answer.
    var result: ResultMapping?
    /// For everything, redirects included. 1 to 15 s.
    public var timeout = usualTimeout
    public var maximumResponseBytes = usualResponseBytes
    /// For how long an answer to the same arguments is the same for everybody; nil is never.
    public var cacheLifetime: Duration?
    /// What `${NAME}` stands for.
    var secrets: [String: Secret] = [:]
    /// Changes with what the file says of the tool.
    var version = ""

    /// Whether asking it may change something there.
    var mayAct: Bool { method != "GET" }

    /// Where it goes: scheme, host and port, and nothing that could be a secret.
    public var origin: String {
        WebURL(url.sample).map { "\($0.scheme)://\($0.host):\($0.port)" } ?? ""
    }
}
