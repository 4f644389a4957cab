import FoundationEssentials
import HTTP
import Platform
import Testing

@testable import Simulators

@Suite struct TwilioCallTests {
    static let callee = "+525512345678"

    private static func run(
        _ kind: Callee.Kind, language: String = "en", faults: FaultPlan = .none,
        _ check: (SimulatedCall, TwilioBench) throws -> Void
    ) async throws {
        let callees = CalleeBook(assigned: [callee: Callee(kind)])
        let application = TwilioBench.Application { SmallAgent.answer($0, language: language) }
        try await TwilioBench.run(TwilioBench.configuration(callees), faults: faults, application: application) {
            bench in
            let call = try await bench.call(callee)
            #expect(call.applicationErrors.isEmpty)
            #expect(call.mismatches.isEmpty)
            try check(call, bench)
        }
    }

    private static func statuses(_ call: SimulatedCall) -> [String] {
        call.webhooks.filter { $0.kind == .status && !$0.isDuplicate }.compactMap { $0.parameters["CallStatus"] }
    }

    @Test("A callee who books talks to the end in the agent's language", arguments: ["en", "es", "pt"])
    func books(_ language: String) async throws {
        try await Self.run(.booksFirstSlot, language: language) { call, _ in
            let words = call.transcript.filter { !$0.isAgents }.map(\.text)
            #expect(call.status == .completed)
            #expect(words.count == 4)
            #expect(SpokenLanguage(of: words.joined(separator: " "))?.rawValue == language)
            #expect(words.contains { emailAddress(in: $0) == "guest525512345678@example.com" })
            #expect(call.transcript.last?.isAgents == true)
            #expect(call.durationSeconds ?? 0 > 10)
        }
    }

    @Test("Each change of status is told in order, with what Twilio says of it")
    func statuses() async throws {
        try await Self.run(.booksFirstSlot) { call, _ in
            #expect(Self.statuses(call) == ["initiated", "ringing", "in-progress", "completed"])
            let callbacks = call.webhooks.filter { $0.kind == .status }
            #expect(callbacks.compactMap { $0.parameters["SequenceNumber"] } == ["0", "1", "2", "3"])
            let last = try #require(callbacks.last?.parameters)
            #expect(last["CallDuration"] == call.durationSeconds.map(String.init))
            #expect(last["AnsweredBy"] == "human")
            #expect(last["CallSid"] == call.sid)
            #expect(last["Timestamp"]?.hasSuffix("+0000") == true)
        }
    }

    @Test(
        "Callees who cannot be talked with end as they do at Twilio",
        arguments: [
            (Callee.Kind.busy, SimulatedCall.Status.busy, ["initiated", "busy"]),
            (.noAnswer, .noAnswer, ["initiated", "ringing", "no-answer"]),
            (.unreachable, .failed, ["initiated", "failed"]),
            (.voicemail, .completed, ["initiated", "ringing", "in-progress", "completed"]),
        ])
    func unanswered(_ kind: Callee.Kind, _ status: SimulatedCall.Status, _ told: [String]) async throws {
        try await Self.run(kind) { call, _ in
            #expect(call.status == status)
            #expect(Self.statuses(call) == told)
            #expect(call.answeredBy == (kind == .voicemail ? "machine_start" : nil))
            #expect(call.webhooks.contains { $0.kind == .voice } == kind.answers)
        }
    }

    @Test("Every kind of callee comes to an end", arguments: Callee.Kind.allCases)
    func ends(_ kind: Callee.Kind) async throws {
        try await Self.run(kind) { call, bench in
            #expect(call.status.isFinal)
            #expect(call.ended != nil)
            #expect(bench.simulator.unfinishedCalls == 0)
            #expect(bench.simulator.callsByNumber == [Self.callee: 1])
        }
    }

    @Test("Who speaks unintelligibly is heard with low confidence; who is silent is not heard")
    func unclear() async throws {
        try await Self.run(.unintelligible) { call, _ in
            let confidences = call.webhooks.compactMap { $0.parameters["Confidence"] }.compactMap { Double($0) }
            #expect(!confidences.isEmpty)
            #expect(confidences.allSatisfy { $0 < 0.3 })
        }
        try await Self.run(.silent) { call, _ in
            #expect(call.webhooks.allSatisfy { $0.parameters["SpeechResult"] == nil })
            #expect(call.webhooks.filter { $0.kind == .turn }.count == 3)
        }
    }

    @Test("Who hangs up while our webhook is pending is gone before it is answered")
    func hangUpWhileWaiting() async throws {
        let callees = CalleeBook(assigned: [Self.callee: Callee(.hangsUpWhileWaiting)])
        // Finished when the call is over, which lets every turn that waits for it go on.
        let (isOver, over) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let application = TwilioBench.Application { request in
            if request.path == "/status", request.form["CallStatus"] == "completed" { over.finish() }
            let isLast = request.form["SpeechResult"].map { $0.contains("?") || $0.contains("@") } ?? false
            if isLast { for await _ in isOver {} }
            return SmallAgent.answer(request)
        }
        try await TwilioBench.run(TwilioBench.configuration(callees), application: application) { bench in
            let call = try await bench.call(Self.callee)
            #expect(call.status == .completed)
            #expect(call.transcript.last?.isAgents == false)
            #expect(call.webhooks.last { $0.kind == .turn }?.status == 200)
        }
    }

    @Test("A call is hung up by request in the middle of what is said")
    func hangUpByRequest() async throws {
        var configuration = TwilioBench.configuration(CalleeBook(assigned: [Self.callee: Callee(.booksFirstSlot)]))
        // Everything takes its time, so that there is a middle.
        configuration.speed = 1
        let asked = AsyncStream.makeStream(of: String.self, bufferingPolicy: .bufferingNewest(1))
        configuration.speed = 1_000
        let application = TwilioBench.Application { request in
            guard request.path == "/voice" else { return HTTPServerResponse(status: 204) }
            asked.continuation.yield(request.form["CallSid"] ?? "")
            return TwilioBench.twiml(String(repeating: "<Pause length=\"600\"/>", count: 10))
        }
        try await TwilioBench.run(configuration, application: application) { bench in
            _ = try await bench.send(.post, form: bench.form(to: Self.callee))
            var calls = asked.stream.makeAsyncIterator()
            let sid = try #require(await calls.next())
            #expect(try await bench.send(.post, "Calls/\(sid).json", form: ["Status": "completed"]).status == 200)
            await bench.simulator.waitForEnd(of: sid)
            #expect(bench.simulator.call(sid)?.status == .completed)
        }
    }

    @Test("A number of ours can be called")
    func inbound() async throws {
        try await TwilioBench.run(TwilioBench.configuration(), application: .smallAgent) { bench in
            bench.simulator.setWebhooks(
                of: TwilioBench.number, voiceURL: bench.applicationURL + "/voice",
                statusURL: bench.applicationURL + "/status")
            let sid = try bench.simulator.placeInboundCall(
                from: Self.callee, to: TwilioBench.number, caller: Callee(.booksSecondSlot))
            await bench.simulator.waitForEnd(of: sid)
            let call = try #require(bench.simulator.call(sid))
            #expect(call.direction == "inbound")
            #expect(Self.statuses(call) == ["completed"])
            #expect(call.transcript.contains { !$0.isAgents && $0.text.contains("second") })
            #expect(bench.simulator.callsByNumber.isEmpty)
            #expect(throws: SimulatorError.self) {
                try bench.simulator.placeInboundCall(from: Self.callee, to: "+15005550100")
            }
        }
    }

    @Test("Three hundred calls run beside each other, and the same numbers meet the same callees")
    func crowd() async throws {
        try await TwilioBench.run(application: .smallAgent) { bench in
            let numbers = (0..<300).map { "+5255\(10_000_000 + $0)" }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in numbers {
                    group.addTask { _ = try await bench.send(.post, form: bench.form(to: number)) }
                }
                try await group.waitForAll()
            }
            await bench.simulator.waitUntilIdle()
            let calls = bench.simulator.calls
            #expect(calls.count == 300)
            #expect(calls.allSatisfy { $0.status.isFinal })
            #expect(bench.simulator.applicationErrors.isEmpty)
            #expect(Set(calls.map(\.callee.kind)).count > 12)
            #expect(calls.allSatisfy { $0.callee == CalleeBook().callee(at: $0.to) })
            #expect(bench.simulator.roundTrips(.turn).count > 300)
        }
    }
}
