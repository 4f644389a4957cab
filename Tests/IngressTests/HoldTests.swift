import Calls
import HTTP
import Jobs
import Platform
import Postgres
import Providers
import Testing

@testable import Ingress

@Suite("Holding a request")
struct HoldTests {
    @Test("Pauses grow, with jitter, to half a second, and end before the deadline")
    func pauses() throws {
        var hold = Hold(.seconds(60))
        var pauses: [Duration] = []
        while pauses.count < 20, let pause = hold.nextPause() { pauses.append(pause) }
        try #require(pauses.count == 20)
        #expect((.milliseconds(15)...(.milliseconds(25))).contains(pauses[0]))
        #expect(pauses.dropFirst(6).allSatisfy { (.milliseconds(375)...(.milliseconds(625))).contains($0) })
        #expect(Set(pauses.dropFirst(6)).count > 1)
        var over = Hold(.milliseconds(5))
        let none = over.nextPause()
        #expect(none == nil)
        #expect(Hold(.zero).remaining == .zero)
    }

    @Test("Only what may succeed later is repeated")
    func repeats() async throws {
        let attempts = Attempts()
        var hold = Hold(.seconds(30))
        let result = try await hold.retrying {
            if attempts.next() < 3 { throw PostgresError(.connection, "gone") }
            return attempts.count
        }
        #expect(result == 3)
        let refusals = Attempts()
        await #expect(throws: PostgresError.self) {
            var hold = Hold(.seconds(30))
            try await hold.retrying {
                _ = refusals.next()
                throw PostgresError(.decoding, "no such column")
            }
        }
        #expect(refusals.count == 1)
    }

    @Test("A client that was closed is not waited for: another process can do it")
    func closed() async {
        await #expect(throws: HoldOver.self) {
            var hold = Hold(.seconds(30))
            try await hold.retrying { throw PostgresError(.closed, "closed") }
        }
    }

    @Test("What hangs is cancelled at the deadline")
    func hangs() async {
        await #expect(throws: HoldOver.self) {
            try await Hold(.milliseconds(10)).limiting { try await Task.sleep(for: .seconds(3_600)) }
        }
    }
}

/// Counts from 1.
private final class Attempts: Sendable {
    private let counter = MetricsRegistry().counter("attempts", help: "")
    var count: Int64 { counter.value }
    func next() -> Int64 {
        counter.increment()
        return counter.value
    }
}

@Suite("A handler that takes too long")
struct LateTests {
    private func handler() -> IngressHandler {
        let client = PostgresClient(
            PostgresConfiguration(connectionString: OutageTests.nowhere), logger: IngressFixture.logger)
        var settings = CallSettings()
        settings.publicURL = IngressFixture.publicURL
        return IngressHandler(
            configuration: IngressConfiguration(settings: settings, twilioAuthToken: IngressFixture.token),
            postgres: client, queue: JobQueue(client, logger: IngressFixture.logger), metrics: MetricsRegistry(),
            logger: IngressFixture.logger)
    }

    private func request(_ target: String, signed: Bool = true) -> HTTPServerRequest {
        let form: FormFields = ["CallSid": "CA1", "SpeechResult": "hello"]
        let signature = TwilioSignature(authToken: IngressFixture.token).sign(
            url: IngressFixture.publicURL + target, form: form)
        return HTTPServerRequest(
            method: "POST", target: target,
            headers: [
                "Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": signed ? signature : "x",
            ], body: Array(form.encoded.utf8))
    }

    @Test("A late turn is brought back with what was said; anything else may come again")
    func late() throws {
        let handler = handler()
        let turn = handler.answerForLate(request("/webhooks/twilio/turn?call=1&turn=2&lang=en-US"))
        #expect(turn.status == 200)
        guard case .bytes(let body) = turn.body else {
            Issue.record("the answer has no body")
            return
        }
        let text = String(decoding: body, as: UTF8.self)
        #expect(text.contains("One moment, please."))
        #expect(text.contains("turn=2&amp;lang=en-US&amp;wait=1&amp;speech=hello"))
        #expect(handler.answerForLate(request("/webhooks/twilio/status?call=1")).status == 503)
        #expect(handler.answerForLate(request("/webhooks/twilio/turn?call=1&turn=2", signed: false)).status == 503)
        #expect(handler.answerForLate(request("/health")).status == 503)
    }
}
