/// The paths that the ingress answers. `/openapi.json` describes those under `/webhooks` and `/api`, and a test holds it to that.
enum Route: String, CaseIterable, Sendable {
    case health = "/health"
    case metrics = "/metrics"
    case openAPI = "/openapi.json"
    case voice = "/webhooks/twilio/voice"
    case turn = "/webhooks/twilio/turn"
    case transfer = "/webhooks/twilio/transfer"
    case status = "/webhooks/twilio/status"
    case executeTool = "/api/execute_tool"

    /// A slash at the end changes nothing.
    init?(path: String) {
        let isSlashed = path.count > 1 && path.hasSuffix("/")
        self.init(rawValue: isSlashed ? String(path.dropLast()) : path)
    }

    var methods: [String] {
        switch self {
        case .health, .metrics, .openAPI: ["GET", "HEAD"]
        case .voice, .turn, .transfer, .status, .executeTool: ["POST"]
        }
    }

    var isWebhook: Bool { rawValue.hasPrefix("/webhooks/") }

    /// For metrics.
    var name: String {
        switch self {
        case .health: "health"
        case .metrics: "metrics"
        case .openAPI: "openapi"
        case .voice: "voice"
        case .turn: "turn"
        case .transfer: "transfer"
        case .status: "status"
        case .executeTool: "execute_tool"
        }
    }
}
