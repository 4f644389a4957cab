import HTTP
import Simulators

/// What a callee said in one turn of a call, as it was sent to our webhook.
struct SpokenTurn: Sendable, Hashable {
    var sid: String
    var turn: Int
    var words: String
}

extension SimulatedCall {
    /// The number at the other end, whoever dialled it.
    var person: String { direction == "inbound" ? from : to }

    /// All that was sent to our webhooks, whatever became of it.
    var spoken: Set<SpokenTurn> { utterances(webhooks) }

    /// What was answered with 2xx. An answer that brings the words back to us has not taken them in yet.
    var acknowledged: Set<SpokenTurn> {
        utterances(
            webhooks.filter { (200..<300).contains($0.status ?? 0) && $0.answer?.contains("speech=") == false })
    }

    /// The turns of what the callee said, in the order of saying; what was sent again counts once.
    var spokenTurns: [Int] {
        webhooks.filter { $0.attempt == 1 && !$0.isDuplicate && $0.parameters["SpeechResult"] != nil }
            .compactMap { $0.heard?.turn }
    }

    private func utterances(_ records: [WebhookRecord]) -> Set<SpokenTurn> {
        Set(records.compactMap(\.heard).map { SpokenTurn(sid: sid, turn: $0.turn, words: $0.words) })
    }
}

extension WebhookRecord {
    /// Nil for silence, and for a machine, whose words are nobody's. What is brought back to us stands in the URL.
    fileprivate var heard: (turn: Int, words: String)? {
        let query = FormFields(decoding: String(url.drop { $0 != "?" }.dropFirst()))
        guard kind == .turn, parameters["AnsweredBy"]?.hasPrefix("machine") != true,
            let turn = query["turn"].flatMap({ Int($0) }),
            let words = parameters["SpeechResult"] ?? query["speech"], !words.isEmpty
        else { return nil }
        return (turn, words)
    }
}
