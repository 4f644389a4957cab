import Agents
import HTTP
import Platform

/// What a service answered to a custom tool, and what the model is told of it.
struct CustomToolAnswer: Sendable {
    /// Of a refusal's own words.
    private static let maximumDetails = 1_000
    /// What the model is told beside a failure of what may have acted.
    static let caution = "it may or may not have been done: do not repeat it"

    private let response: HTTPClientResponse
    private let tool: CustomToolDefinition

    init(_ response: HTTPClientResponse, _ tool: CustomToolDefinition) {
        self.response = response
        self.tool = tool
    }

    /// For the log, when this is no good answer. Holds nothing of what was said.
    var logged: String? {
        switch reading {
        case .value: nil
        case .unusable(let problem): problem
        case .refused: "status \(response.status)"
        }
    }

    /// Throws `ToolError` for what may be better when it is asked again.
    func result() throws(ToolError) -> ToolResult {
        switch reading {
        case .value(let value): return ToolResult(success: true, value: ["success": true, "result": value])
        case .unusable(let problem):
            let problem = "the service \(problem): do not guess what it would have said, "
            return tool.mayAct ? .uncertain(problem + Self.caution) : .failure(problem + "offer something else")
        case .refused(let details):
            if !tool.mayAct, response.status == 429 || response.status >= 500 {
                throw ToolError("the service is not well just now (status \(response.status))", isTransient: true)
            }
            var value: [String: JSON] = ["success": false, "status": .integer(Int64(response.status))]
            var problem = "the service refused the request: \(Self.meaning(response.status))"
            // 4xx says that it was not done. A redirect is how many a service answers when it was.
            if tool.mayAct, !(400..<500).contains(response.status) {
                value["reason"] = ToolResult.uncertain
                problem += "; " + Self.caution
            }
            value["error"] = .string(problem)
            value["details"] = details
            return ToolResult(success: false, value: .object(value))
        }
    }

    private enum Reading {
        case value(JSON)
        case unusable(String)
        case refused(details: JSON?)
    }

    private var reading: Reading {
        guard (200..<300).contains(response.status) else { return .refused(details: details) }
        guard response.body.contains(where: { !isSpace($0) }) else { return mapped(.null) }
        if isPage { return .unusable("answered with a web page instead of data") }
        if let json = try? response.json() { return mapped(json) }
        if mediaType.hasSuffix("json") || tool.result != nil { return .unusable("answered with what is not JSON") }
        guard let text = String(validating: response.body, as: UTF8.self), !text.contains("\0") else {
            return .unusable("answered with what is not text")
        }
        return .value(.string(text))
    }

    private func mapped(_ answer: JSON) -> Reading {
        guard let mapping = tool.result else { return .value(answer) }
        guard let value = mapping.apply(to: answer) else {
            return .unusable("answered without what this tool is to tell: it may have found nothing")
        }
        return .value(value)
    }

    private var mediaType: String {
        String((response.headers["Content-Type"] ?? "").lowercased().prefix { $0 != ";" }.trimmed)
    }

    private var isPage: Bool { mediaType.hasSuffix("html") || WebPage.begins(response.body) }

    private func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

    /// What a service says of its refusal, when it says it as data and not at length.
    private var details: JSON? {
        guard !isPage, response.body.count <= Self.maximumDetails else { return nil }
        return try? response.json()
    }

    private static func meaning(_ status: Int) -> String {
        switch status {
        case 300..<400: "it sent us elsewhere"
        case 401, 403: "it does not let us in; do not tell the caller why"
        case 404: "there is no such thing there; check the arguments"
        case 409: "what is there already stands against it"
        case 429: "it is asked too often; do without it for now"
        case 400..<500: "the arguments are not what it takes"
        default: "it is not well just now"
        }
    }
}
