import HTTP
import Platform

/// What Operadora adds to the model's own time in a turn, at a steady rate: from the webhook's request to the end of its TwiML.
enum TurnOverhead {
    static let subject = Subject(
        name: "turns", summary: "turn overhead, webhook in to TwiML out less the model's time, at 100 turns/s", run: run
    )

    private static let think = Duration.milliseconds(100)
    private static let perSecond = 100
    private static let calls = 100
    private static let turnsOfACall = 20

    private static func run(_ bench: Bench) async throws -> [Figure] {
        let product = try await Product.start(bench, "turns", calls: calls, workers: 2, think: think)
        do {
            let figures = try await measure(product)
            await product.stop()
            return figures
        } catch {
            await product.stop()
            throw error
        }
    }

    private static func measure(_ product: Product) async throws -> [Figure] {
        for call in product.callIDs {
            _ = try await product.webhook(
                "/webhooks/twilio/voice?call=\(call)", call: call, ["CallStatus": "in-progress"])
        }
        let disk = DiskProbe()
        let thinkMilliseconds = think / .milliseconds(1)
        let overheads = try await withThrowingTaskGroup(of: Double.self) { group in
            // Open loop: a turn is due when it is due, however late the ones before it are.
            let start = ContinuousClock.now
            for number in 0..<(calls * turnsOfACall) {
                try await ContinuousClock().sleep(until: start + .seconds(1) / perSecond * number)
                let call = product.callIDs[number % calls]
                let turn = 2 + 2 * (number / calls)
                group.addTask {
                    let (time, answer) = try await product.webhook(
                        "/webhooks/twilio/turn?call=\(call)&turn=\(turn)", call: call,
                        ["SpeechResult": "Tell me more about point \(turn).", "Confidence": "0.93"])
                    guard answer.contains("Of course.") else { throw Product.Refused(status: 200, text: answer) }
                    return time / .milliseconds(1) - thinkMilliseconds
                }
            }
            return try await group.reduce(into: [Double]()) { $0.append($1) }
        }
        return [
            Figure(name: "turn overhead at 100/s, p50", value: overheads.percentile(0.5), unit: "ms", bar: .atMost(8)),
            Figure(
                name: "turn overhead at 100/s, p99", value: overheads.percentile(0.99), unit: "ms", bar: .atMost(25)),
        ] + disk.figures()
    }
}
