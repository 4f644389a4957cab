import Agents
import HTTP
import Platform

/// A tool of the tools file: asks a service over HTTP. Whatever the service does, the model gets a result that it can act on.
struct CustomTool: Tool {
    private static let maximumRedirects = 3

    let definition: CustomToolDefinition
    let http: HTTPClient
    let destinations: DestinationPolicy
    let logger: Logger

    var description: ToolDescription { definition.tool }
    /// A little longer than the request itself, whose own words say more.
    var timeout: Duration { definition.timeout + .seconds(1) }
    var cacheLifetime: Duration? { definition.cacheLifetime }
    /// Once the file says otherwise, what it said before is not answered any more.
    var cacheScope: String { definition.version }
    /// What only reads may be asked again.
    var isRetrySafe: Bool { !definition.mayAct }

    func execute(_ arguments: JSON) async throws -> ToolResult {
        let request = try CustomToolRequest.make(definition, arguments)
        let deadline = ContinuousClock.now + definition.timeout
        let answer: CustomToolAnswer
        do {
            answer = CustomToolAnswer(try await send(request, by: deadline), definition)
        } catch let error as HTTPError {
            // The path may hold what a caller has said: the log has the kind of the failure alone.
            logger.warning("custom tool failed", metadata: ["tool": description.name, "error": "\(error.code)"])
            throw Self.problem(error, definition)
        }
        if let problem = answer.logged {
            logger.warning("custom tool failed", metadata: ["tool": description.name, "error": problem])
        }
        return try answer.result()
    }

    /// Follows redirects of what only reads. Each is a request of its own, checked as the first; what was declared for one host
    /// is not told to another.
    private func send(_ first: HTTPClientRequest, by deadline: ContinuousClock.Instant) async throws
        -> HTTPClientResponse
    {
        var request = first
        request.destinations = destinations
        for _ in 0..<Self.maximumRedirects {
            let response = try await http.send(limited(request, deadline))
            guard definition.method == "GET", [301, 302, 303, 307, 308].contains(response.status),
                let location = response.headers["Location"], let here = WebURL(request.url)
            else { return response }
            guard let next = here.resolving(location) else { return response }
            if (next.scheme, next.host, next.port) != (here.scheme, here.host, here.port) { request.headers = [:] }
            request.url = next.text
        }
        return try await http.send(limited(request, deadline))
    }

    private func limited(_ request: HTTPClientRequest, _ deadline: ContinuousClock.Instant) -> HTTPClientRequest {
        var request = request
        request.timeout = max(.milliseconds(1), deadline - .now)
        return request
    }

    private static func problem(_ error: HTTPError, _ tool: CustomToolDefinition) -> any Error {
        let mayBeDone = error.requestWasSent && tool.mayAct
        func problem(_ words: String, isTransient: Bool = false) -> ToolError {
            ToolError(
                mayBeDone ? "\(words); \(CustomToolAnswer.caution)" : words, isTransient: isTransient && !mayBeDone,
                isUncertain: mayBeDone)
        }
        switch error.code {
        case .cancelled: return CancellationError()
        case .timeout: return problem("the service did not answer in time")
        case .responseTooLarge:
            return problem("the service answered more than can be read: ask for less, or say that it is too much")
        case .badURL: return ToolError("this address may not be asked: do without this tool")
        default: return problem("the service cannot be reached just now", isTransient: true)
        }
    }
}
