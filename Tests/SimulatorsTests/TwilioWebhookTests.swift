import FoundationEssentials
import HTTP
import Platform
import Synchronization
import TestSupport
import Testing

@testable import Simulators

@Suite struct TwilioWebhookTests {
    static let callee = "+525512345678"
    static let books = TwilioBench.configuration(CalleeBook(assigned: [callee: Callee(.booksFirstSlot)]))

    /// What the application was asked, in order.
    private final class Requests: Sendable {
        private let list = Mutex<[HTTPServerRequest]>([])
        func add(_ request: HTTPServerRequest) -> Int {
            list.withLock {
                $0.append(request)
                return $0.count
            }
        }
        var all: [HTTPServerRequest] { list.withLock { $0 } }
    }

    @Test("The package twilio accepts the signature of every webhook", .enabled(if: PythonPeer.isExpected))
    func signature() async throws {
        let requests = Requests()
        let application = TwilioBench.Application { request in
            _ = requests.add(request)
            return SmallAgent.answer(request)
        }
        try await TwilioBench.run(Self.books, application: application) { bench in
            _ = try await bench.call(Self.callee, [("StatusCallbackMethod", "GET")])
            let input = requests.all.map { request -> JSON in
                [
                    "url": .string(bench.applicationURL + request.target),
                    "signature": .string(request.headers["X-Twilio-Signature"] ?? ""),
                    "form": .object(
                        Dictionary(uniqueKeysWithValues: request.form.fields.map { ($0.name, .string($0.value)) })),
                ]
            }
            let token = JSON.string(bench.simulator.authToken)
            let verdicts = try await PythonPeer.run(Self.script, input: ["token": token, "requests": .array(input)])
            #expect(input.count > 8)
            #expect(verdicts == .array(input.map { _ in true }))
        }
    }

    private static let script = #"""
        import json, sys
        from twilio.request_validator import RequestValidator
        given = json.load(sys.stdin)
        validator = RequestValidator(given["token"])
        json.dump([validator.validate(r["url"], r["form"], r["signature"]) for r in given["requests"]], sys.stdout)
        """#

    @Test("A webhook that is sent twice must get one answer, or the difference is on record")
    func duplicates() async throws {
        let plan = FaultPlan(probabilities: [.duplicateWebhook: 1])
        try await TwilioBench.run(Self.books, faults: plan, application: .smallAgent) { bench in
            let call = try await bench.call(Self.callee)
            #expect(call.mismatches.isEmpty)
            #expect(call.webhooks.filter(\.isDuplicate).count == call.webhooks.filter { !$0.isDuplicate }.count)
        }
        let requests = Requests()
        let application = TwilioBench.Application { request in
            TwilioBench.twiml("<Say>\(requests.add(request))</Say><Hangup/>")
        }
        try await TwilioBench.run(Self.books, faults: plan, application: application) { bench in
            let call = try await bench.call(Self.callee)
            #expect(call.mismatches.count == 1)
        }
    }

    @Test("A status callback that is held back arrives after the one that follows it")
    func reordered() async throws {
        try await TwilioBench.run(Self.books, application: .smallAgent) { bench in
            bench.simulator.faults.trigger(.reorderWebhook)
            let call = try await bench.call(Self.callee)
            let told = call.webhooks.filter { $0.kind == .status }.compactMap { $0.parameters["CallStatus"] }
            #expect(told == ["ringing", "initiated", "in-progress", "completed"])
        }
    }

    @Test("A lost connection is tried once more")
    func retries() async throws {
        let requests = Requests()
        let application = TwilioBench.Application { requests.add($0) == 1 ? .drop() : SmallAgent.answer($0) }
        try await TwilioBench.run(Self.books, application: application) { bench in
            let call = try await bench.call(Self.callee, [("StatusCallback", "")])
            #expect(call.applicationErrors.isEmpty)
            #expect(call.webhooks.prefix(2).map(\.attempt) == [1, 2])
            #expect(call.webhooks.first?.failure != nil)
        }
    }

    @Test("A refusal is not tried again unless the URL asks for it, and the callee hears the provider's error")
    func refusals() async throws {
        let application = TwilioBench.Application { _ in HTTPServerResponse(status: 503) }
        try await TwilioBench.run(Self.books, application: application) { bench in
            let call = try await bench.call(Self.callee, [("StatusCallback", "")])
            #expect(call.applicationErrors.map(\.code) == [11200])
            #expect(call.webhooks.count == 1)
            #expect(call.transcript.last?.text.contains("application error") == true)
            let patient = try await bench.call(
                Self.callee, [("StatusCallback", ""), ("Url", bench.applicationURL + "/voice#rc=3&rp=5xx")])
            #expect(patient.webhooks.map(\.attempt) == [1, 2, 3, 4])
        }
    }

    @Test("A webhook that takes too long is given up, and the fallback URL is asked")
    func fallback() async throws {
        var configuration = Self.books
        configuration.webhookTimeout = .milliseconds(800)
        let application = TwilioBench.Application { request in
            if request.path == "/fallback" { return TwilioBench.twiml("<Say>One moment</Say><Hangup/>") }
            // Never answers: ends when the client has given up.
            for await _ in AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1)).stream {}
            return HTTPServerResponse()
        }
        try await TwilioBench.run(configuration, application: application) { bench in
            let call = try await bench.call(
                Self.callee, [("StatusCallback", ""), ("FallbackUrl", bench.applicationURL + "/fallback")])
            #expect(call.applicationErrors.isEmpty)
            #expect(call.webhooks.map(\.attempt) == [1, 2, 1])
            #expect(call.webhooks.last?.parameters["ErrorCode"] == "11205")
            #expect(call.transcript.map(\.text) == ["One moment"])
        }
    }

    @Test(
        "TwiML that Twilio would not perform ends the call with its code",
        arguments: [
            ("<Response><Say>Hi</Response>", "text/xml", 12100), ("<Response><Sing/></Response>", "text/xml", 12200),
            ("<Response><Hangup/></Response>", "text/html", 12300), ("", "text/xml", 12100),
            ("<Response><Redirect>/voice</Redirect></Response>", "text/xml", 20000),
        ])
    func badTwiML(_ body: String, _ type: String, _ code: Int) async throws {
        let application = TwilioBench.Application { _ in .text(body, contentType: type) }
        try await TwilioBench.run(Self.books, application: application) { bench in
            let call = try await bench.call(Self.callee, [("StatusCallback", "")])
            #expect(call.applicationErrors.map(\.code) == [code])
            #expect(call.status == .completed)
        }
    }
}
