public import Platform

/// What to send, and how long and how large the answer may be.
public struct HTTPClientRequest: Sendable {
    public enum Method: String, Sendable {
        case get = "GET"
        case post = "POST"
        case put = "PUT"
        case patch = "PATCH"
        case delete = "DELETE"
        case head = "HEAD"

        /// Whether doing it twice is the same as doing it once (RFC 9110, 9.2.2).
        var isIdempotent: Bool { self != .post && self != .patch }
    }
    public var method: Method
    /// `http` or `https`, percent-encoded.
    public var url: String
    public var headers: HTTPHeaders
    public var body: [UInt8]?
    /// From start to the last byte of the body, the wait for a connection included.
    public var timeout: Duration = .seconds(30)
    public var connectTimeout: Duration = .seconds(5)
    /// Of the body; for `events` of the whole stream. Its headers may have 256 KiB beside it.
    public var maximumResponseBytes: Int = 4 << 20
    /// For a URL that others have had a hand in; nil may go anywhere. No proxy is used with it.
    public var destinations: DestinationPolicy?

    public init(_ method: Method, _ url: String, headers: HTTPHeaders = [:], body: [UInt8]? = nil) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
    }

    /// A JSON body with its Content-Type, unless `headers` has one.
    public init(_ method: Method, _ url: String, headers: HTTPHeaders = [:], json: JSON) {
        self.init(method, url, headers: headers, contentType: "application/json", body: Array(json.data))
    }

    /// A form body with its Content-Type, unless `headers` has one.
    public init(_ method: Method, _ url: String, headers: HTTPHeaders = [:], form: FormFields) {
        let type = "application/x-www-form-urlencoded"
        self.init(method, url, headers: headers, contentType: type, body: Array(form.encoded.utf8))
    }

    private init(_ method: Method, _ url: String, headers: HTTPHeaders, contentType: String, body: [UInt8]) {
        self.init(method, url, headers: headers, body: body)
        if self.headers["Content-Type"] == nil { self.headers["Content-Type"] = contentType }
    }
}
