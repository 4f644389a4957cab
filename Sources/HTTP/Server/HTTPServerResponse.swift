public import Platform

/// An answer. Content-Length is the server's to set, as is Date where none is given; a header that may not be sent ends as status 500.
public struct HTTPServerResponse: Sendable {
    public enum Body: Sendable {
        case bytes([UInt8])
        /// Sent chunk by chunk as the stream yields (server-sent events); the stream ends the response, and its error the
        /// connection. The stream is read no faster than the client reads.
        case stream(AsyncThrowingStream<[UInt8], any Error>)
        /// Closes the connection without an answer, or in the middle of one after `sent` bytes (simulators' faults).
        case drop(sent: [UInt8])
    }
    public var status: Int
    public var headers: HTTPHeaders
    public var body: Body

    public init(status: Int = 200, headers: HTTPHeaders = [:], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = .bytes(body)
    }

    public init(status: Int = 200, headers: HTTPHeaders = [:], stream: AsyncThrowingStream<[UInt8], any Error>) {
        self.status = status
        self.headers = headers
        self.body = .stream(stream)
    }

    public static func drop(sent: [UInt8] = []) -> HTTPServerResponse {
        var response = HTTPServerResponse()
        response.body = .drop(sent: sent)
        return response
    }

    public static func json(_ value: JSON, status: Int = 200, headers: HTTPHeaders = [:]) -> HTTPServerResponse {
        HTTPServerResponse(
            status: status, headers: headers, contentType: "application/json", body: Array(value.data))
    }

    public static func text(
        _ text: String, status: Int = 200, contentType: String = "text/plain; charset=utf-8"
    ) -> HTTPServerResponse {
        HTTPServerResponse(status: status, headers: [:], contentType: contentType, body: Array(text.utf8))
    }

    private init(status: Int, headers: HTTPHeaders, contentType: String, body: [UInt8]) {
        self.init(status: status, headers: headers, body: body)
        if self.headers["Content-Type"] == nil { self.headers["Content-Type"] = contentType }
    }
}
