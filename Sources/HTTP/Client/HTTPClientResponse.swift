public import FoundationEssentials
public import Platform

/// A whole answer, whatever its status.
public struct HTTPClientResponse: Sendable {
    public var status: Int
    public var headers: HTTPHeaders
    public var body: [UInt8]

    public init(status: Int, headers: HTTPHeaders = [:], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// Throws `DecodingError` when the body is not JSON.
    public func json() throws -> JSON { try JSON(parsing: body) }

    public var text: String { String(decoding: body, as: UTF8.self) }

    /// The seconds or date of `Retry-After`, as a duration from now; nil when absent or unreadable.
    public var retryAfter: Duration? { headers["Retry-After"].flatMap { RetryAfter.duration($0, now: .now) } }

    /// When it was sent, by the server's own clock (`Date`); nil when absent or unreadable.
    public var date: Date? { headers["Date"].flatMap(RetryAfter.date) }
}

/// An answer with a status that the caller of `HTTPClient.events` cannot go on with.
public struct HTTPStatusError: Error, Sendable, CustomStringConvertible {
    public let response: HTTPClientResponse
    public init(response: HTTPClientResponse) { self.response = response }
    public var description: String { "the server answered with status \(response.status)" }
}
