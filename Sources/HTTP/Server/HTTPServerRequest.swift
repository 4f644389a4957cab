public import Platform

/// A request whose body has arrived whole.
public struct HTTPServerRequest: Sendable {
    public var method: String
    /// Percent-decoded path without the query.
    public var path: String
    /// The raw target as sent, path and query.
    public var target: String
    public var query: FormFields
    public var headers: HTTPHeaders
    public var body: [UInt8]
    /// The peer's IP address, without the port.
    public var remoteAddress: String

    public init(
        method: String, path: String, target: String, query: FormFields = [:], headers: HTTPHeaders = [:],
        body: [UInt8] = [], remoteAddress: String = "127.0.0.1"
    ) {
        self.method = method
        self.path = path
        self.target = target
        self.query = query
        self.headers = headers
        self.body = body
        self.remoteAddress = remoteAddress
    }

    /// Path and query are read from the target.
    public init(
        method: String, target: String, headers: HTTPHeaders = [:], body: [UInt8] = [],
        remoteAddress: String = "127.0.0.1"
    ) {
        let parts = target.utf8.split(separator: UInt8(ascii: "?"), maxSplits: 1, omittingEmptySubsequences: false)
        self.init(
            method: method, path: PercentCoding.decode(parts[0], plusAsSpace: false), target: target,
            query: parts.count == 2 ? FormFields(decoding: parts[1]) : [:], headers: headers, body: body,
            remoteAddress: remoteAddress)
    }

    /// What the body is, in lower case and without parameters: `application/json`. Nil when it is not said.
    public var mediaType: String? {
        headers["Content-Type"].map { $0.prefix { $0 != ";" }.lowercased().filter { $0 != " " } }
    }

    /// The body as a form.
    public var form: FormFields { FormFields(decoding: body) }

    /// Throws `DecodingError` when the body is not JSON.
    public func json() throws -> JSON { try JSON(parsing: body) }
}
