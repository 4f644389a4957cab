import HTTP
import Platform

/// What a check of one dependency found.
struct Finding: Sendable {
    enum State: String, Sendable { case ok, failed, skipped }
    let check: String
    let state: State
    /// What was found.
    let detail: String
    /// What to do about it; empty when there is nothing to do.
    let advice: String

    static func ok(_ check: String, _ detail: String) -> Finding {
        Finding(check: check, state: .ok, detail: detail, advice: "")
    }
    static func failed(_ check: String, _ detail: String, _ advice: String) -> Finding {
        Finding(check: check, state: .failed, detail: detail, advice: advice)
    }
    static func skipped(_ check: String, _ detail: String) -> Finding {
        Finding(check: check, state: .skipped, detail: detail, advice: "")
    }

    var json: JSON {
        [
            "check": .string(check), "state": .string(state.rawValue), "detail": .string(detail),
            "advice": .string(advice),
        ]
    }

    /// One line, and a second one for the advice.
    var text: String {
        let mark =
            switch state {
            case .ok: "✓"
            case .failed: "✗"
            case .skipped: "–"
            }
        let line = "\(mark) \(check): \(detail)"
        return advice.isEmpty ? line : "\(line)\n    → \(advice)"
    }
}
