public import HTTP
import Platform

/// The router question API: a question in plain words, an answer in plain words. `POST /query` with `question` and
/// `timeout` (seconds) is answered by `success` and `response`; `GET /health` by `status`.
///
/// Connections are kept alive by the HTTP client, which all tasks share.
public struct MikroTikClient: Sendable {
    public struct Configuration: Sendable {
        /// Without a slash at the end.
        public var baseURL: String
        /// For a question about one thing.
        public var timeout: Duration = .seconds(10)
        /// For a question about everything.
        public var thoroughTimeout: Duration = .seconds(25)
        public init(baseURL: String) { self.baseURL = baseURL }
    }

    /// What nobody would listen to.
    private static let maximumAnswerBytes = 64 << 10
    private static let thoroughWords = ["todos", "completo"]

    public let configuration: Configuration
    private let http: HTTPClient

    public init(_ configuration: Configuration, http: HTTPClient) {
        self.configuration = configuration
        self.http = http
    }

    /// How long an answer may take: longer when the question asks for all routers or for a complete report.
    public func timeout(for question: String) -> Duration {
        let question = question.lowercased()
        let isThorough = Self.thoroughWords.contains { question.contains($0) }
        return isThorough ? configuration.thoroughTimeout : configuration.timeout
    }

    /// The answer, as it may be read out.
    public func ask(_ question: String) async throws(MikroTikError) -> String {
        let limit = timeout(for: question)
        let seconds = limit / .seconds(1)
        let wanted: JSON = seconds == seconds.rounded() ? .integer(Int64(seconds)) : .number(seconds)
        var request = HTTPClientRequest(
            .post, configuration.baseURL + "/query", json: ["question": .string(question), "timeout": wanted])
        request.timeout = limit
        let body = try await json(of: request)
        guard let success = body["success"]?.bool, let response = body["response"]?.string, !response.trimmed.isEmpty
        else { throw .invalidAnswer("it has no “success” and “response”") }
        guard success else { throw .unanswered(response) }
        return response
    }

    /// Returns what the service calls itself; throws unless it says that it is well.
    public func checkHealth() async throws(MikroTikError) -> String {
        var request = HTTPClientRequest(.get, configuration.baseURL + "/health")
        request.timeout = configuration.timeout
        let body = try await json(of: request)
        guard body["status"]?.string == "ok" else { throw .invalidAnswer("its “status” is not “ok”") }
        return [body["service"]?.string ?? "MikroTik API", body["version"]?.string].compactMap { $0 }
            .joined(separator: " ")
    }

    private func json(of request: HTTPClientRequest) async throws(MikroTikError) -> JSON {
        let response = try await send(request)
        guard response.status == 200 else { throw .refused(status: response.status) }
        guard let body = try? response.json() else { throw .invalidAnswer("it is not JSON") }
        return body
    }

    /// A kept-alive connection may end just as it is used. Questions change nothing, so such a one is asked again, once.
    private func send(_ request: HTTPClientRequest) async throws(MikroTikError) -> HTTPClientResponse {
        var request = request
        request.maximumResponseBytes = Self.maximumAnswerBytes
        let deadline = ContinuousClock.now + request.timeout
        do {
            return try await http.send(request)
        } catch let error as HTTPError where error.code == .connectionLost {
            request.timeout = max(.milliseconds(1), deadline - .now)
        } catch {
            throw MikroTikError(error)
        }
        do {
            return try await http.send(request)
        } catch {
            throw MikroTikError(error)
        }
    }
}
