import FoundationEssentials
import HTTP
import Platform
import Postgres

/// How many webhooks an ingress process makes durable and answers in a second, and its memory. The sender shares the machine.
enum WebhookRate {
    static let subject = Subject(
        name: "webhooks", summary: "webhook to durable to 2xx, one ingress under load, and its memory", run: run)

    private static let senders = 64
    private static let webhooks = 20_000

    private static func run(_ bench: Bench) async throws -> [Figure] {
        let product = try await Product.start(bench, "webhooks", calls: 1_000, workers: 0, think: .zero)
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
        let idle = try ResidentMemory.megabytes(of: product.ingress.processID)
        _ = try await send(product, from: 0, count: webhooks / 10)
        let start = ContinuousClock.now
        let times = try await send(product, from: webhooks, count: webhooks)
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        let durable = try await product.client.query("SELECT count(*) FROM jobs WHERE kind = 'record_call_status'")[0]
            .decode(Int.self)
        guard durable == webhooks + webhooks / 10 else {
            throw Product.Refused(status: 200, text: "\(durable) webhooks are durable of \(webhooks + webhooks / 10)")
        }
        let loaded = try ResidentMemory.megabytes(of: product.ingress.processID)
        return [
            Figure(
                name: "webhooks durable and answered", value: Double(webhooks) / seconds, unit: "/s",
                bar: .atLeast(8_000)),
            Figure(name: "webhook answer under load, p99", value: times.percentile(0.99), unit: "ms", bar: .atMost(25)),
            Figure(name: "ingress, resident, idle", value: idle, unit: "MB", bar: .atMost(40)),
            Figure(name: "ingress, resident, after \(webhooks) webhooks", value: loaded, unit: "MB"),
        ]
    }

    /// Each webhook is another event, so that none is a repeat of one before.
    private static func send(_ product: Product, from first: Int, count: Int) async throws -> [Double] {
        try await withThrowingTaskGroup(of: [Double].self) { group in
            for sender in 0..<senders {
                group.addTask {
                    var times: [Double] = []
                    for number in stride(from: first + sender, to: first + count, by: senders) {
                        let call = product.callIDs[number % product.callIDs.count]
                        let (time, _) = try await product.webhook(
                            "/webhooks/twilio/status?call=\(call)", call: call,
                            ["CallStatus": "ringing", "SequenceNumber": "\(number)"])
                        times.append(time / .milliseconds(1))
                    }
                    return times
                }
            }
            return try await group.reduce(into: [Double]()) { $0 += $1 }
        }
    }
}
