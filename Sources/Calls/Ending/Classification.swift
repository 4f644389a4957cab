import FoundationEssentials
import Platform

/// What a conversation amounts to.
struct Classification: Sendable, Hashable {
    var outcome: CallOutcome
    /// In the call's language.
    var summary: String
    /// What the caller stated: `callback_at`, `email`, `interest`, `reason`. Empty when nothing.
    var extracted: [String: JSON] = [:]
}

extension Classification {
    /// The JSON Schema of the model's answer. OpenAI's strict mode wants every property required.
    static let schema: JSON = [
        "type": "object",
        "properties": [
            "outcome": ["type": "string", "enum": .array(CallFacts.conversationOutcomes.map { .string($0.rawValue) })],
            "summary": ["type": "string"],
            "callback_at": ["type": ["string", "null"]],
            "email": ["type": ["string", "null"]],
            "interest": ["type": ["string", "null"], "enum": ["high", "medium", "low", "none", nil]],
            "reason": ["type": ["string", "null"]],
        ],
        "required": ["outcome", "summary", "callback_at", "email", "interest", "reason"],
        "additionalProperties": false,
    ]
    static let schemaName = "call_outcome"
    private static let longestSummary = 1_000

    /// Nil when the answer, though it satisfies the schema, says nothing.
    init?(answer: JSON) {
        guard let outcome = answer["outcome"]?.string.flatMap(CallOutcome.init),
            let summary = answer["summary"]?.string, !summary.isBlank
        else { return nil }
        self.outcome = outcome
        self.summary = String(summary.prefix(Self.longestSummary))
        for key in ["interest", "reason"] {
            extracted[key] = answer[key]?.string.flatMap { $0.isBlank ? nil : .string(String($0.prefix(300))) }
        }
        extracted["email"] = answer["email"]?.string.flatMap { Self.isAddress($0) ? .string($0) : nil }
        // What is not a date and time with an offset is not passed on as one.
        extracted["callback_at"] = answer["callback_at"]?.string
            .flatMap { (try? Date($0, strategy: .iso8601)) == nil ? nil : .string($0) }
    }

    private static func isAddress(_ text: String) -> Bool {
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        return parts.count == 2 && !parts[0].isEmpty && parts[1].contains(".") && !text.contains(where: \.isWhitespace)
            && text.utf8.count <= 254
    }
}
