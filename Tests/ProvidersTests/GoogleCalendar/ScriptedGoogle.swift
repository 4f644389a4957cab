import FoundationEssentials
import HTTP
import Platform
import Simulators
import Synchronization

@testable import Providers

/// A token endpoint and a calendar API whose answers the test chooses, in order; the last one is repeated.
final class ScriptedGoogle: Sendable {
    private struct State {
        var answers: [HTTPServerResponse]
        var tokenAnswers: [HTTPServerResponse]
        var requests: [HTTPServerRequest] = []
        var tokenRequests: [HTTPServerRequest] = []
        var waits: [Duration] = []
    }
    private let state: Mutex<State>
    private let server: Mutex<HTTPServer?> = Mutex(nil)
    let http = HTTPClient(logger: Logger(label: "test", level: .error))

    /// Tokens are "token 1", "token 2", … unless there are answers for them.
    init(_ answers: [HTTPServerResponse], tokenAnswers: [HTTPServerResponse] = []) throws {
        state = Mutex(State(answers: answers, tokenAnswers: tokenAnswers))
        let server = try HTTPServer(configuration: .init(), logger: Logger(label: "test", level: .error)) {
            [weak self] in
            self?.answer($0) ?? .drop()
        }
        self.server.withLock { $0 = server }
    }

    /// Of the calendar API.
    var requests: [HTTPServerRequest] { state.withLock(\.requests) }
    var tokenRequests: [HTTPServerRequest] { state.withLock(\.tokenRequests) }
    /// What the client waited between attempts; no time passes.
    var waits: [Duration] { state.withLock(\.waits) }

    func client(
        subject: String? = nil, calendarURL: String? = nil, deadline: Duration = .seconds(20)
    ) throws -> GoogleCalendarClient {
        let url = "http://127.0.0.1:\(server.withLock { $0?.port } ?? 0)"
        var credentials = try Self.credentials.get().object ?? [:]
        credentials["token_uri"] = .string(url + "/token")
        var configuration = GoogleCalendarClient.Configuration(calendarID: "sales@example.com")
        configuration.baseURL = calendarURL ?? url + "/calendar/v3"
        configuration.impersonate = subject
        configuration.deadline = deadline
        let account = try GoogleServiceAccount(parsing: JSON.object(credentials).data, file: "credentials.json")
        return GoogleCalendarClient(configuration, account: account, client: http) { wait in
            self.state.withLock { $0.waits.append(wait) }
        }
    }

    func stop() async { await server.withLock { $0 }?.stop() }

    /// Of an account whose key is made once.
    static let credentials = Result { try SimulatedGoogle(logger: Logger(label: "test", level: .error)).credentials }

    private func answer(_ request: HTTPServerRequest) -> HTTPServerResponse {
        state.withLock { state in
            guard request.path == "/token" else {
                state.requests.append(request)
                return Self.next(&state.answers) ?? .drop()
            }
            state.tokenRequests.append(request)
            let token: JSON = [
                "access_token": .string("token \(state.tokenRequests.count)"), "expires_in": 3_600,
                "token_type": "Bearer",
            ]
            return Self.next(&state.tokenAnswers) ?? .json(token)
        }
    }

    private static func next(_ answers: inout [HTTPServerResponse]) -> HTTPServerResponse? {
        answers.count > 1 ? answers.removeFirst() : answers.first
    }
}

extension HTTPServerResponse {
    /// As Google words its errors.
    static func google(_ status: Int, _ reason: String, headers: HTTPHeaders = [:]) -> HTTPServerResponse {
        let error: JSON = [
            "error": [
                "code": .integer(Int64(status)), "message": "told by the test",
                "errors": [["domain": "global", "reason": .string(reason), "message": "told by the test"]],
            ]
        ]
        return .json(error, status: status, headers: headers)
    }
}

/// Runs a test against scripted answers and stops the server.
func withGoogle(
    _ answers: [HTTPServerResponse], tokenAnswers: [HTTPServerResponse] = [],
    _ test: (ScriptedGoogle) async throws -> Void
) async throws {
    let google = try ScriptedGoogle(answers, tokenAnswers: tokenAnswers)
    do {
        try await test(google)
    } catch {
        await google.stop()
        throw error
    }
    await google.stop()
}
