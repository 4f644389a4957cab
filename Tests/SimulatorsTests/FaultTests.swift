import HTTP
import Platform
import Testing

@testable import Simulators

@Suite struct FaultTests {
    @Test("The same seed gives the same faults, at about the rate that was asked for")
    func seeded() {
        func faults(_ seed: UInt64) -> [Fault?] {
            let faults = FaultSwitch(.requests(0.3, seed: seed))
            return (0..<1_000).map { _ in faults.next(for: .chatCompletion)?.fault }
        }
        #expect(faults(1) == faults(1))
        #expect(faults(1) != faults(2))
        #expect((250...350).contains(faults(1).count { $0 != nil }))
        #expect(Set(faults(1).compactMap { $0 }).count == 6)
    }

    @Test("A fault that is triggered happens once, to the operation that it is meant for")
    func triggered() {
        let faults = FaultSwitch()
        faults.trigger(.dropAfterEffect, on: .insertEvent)
        faults.trigger(.duplicateWebhook)
        #expect(faults.next(for: .freeBusy)?.fault == nil)
        #expect(faults.next(for: .insertEvent)?.fault == .dropAfterEffect)
        #expect(faults.next(for: .insertEvent)?.fault == nil)
        #expect(faults.next(for: .voiceWebhook)?.fault == .duplicateWebhook)
        #expect(faults.counts == [.dropAfterEffect: 1, .duplicateWebhook: 1])
    }

    @Test("Faults are kept to the operations that the plan names")
    func operations() {
        var plan = FaultPlan(probabilities: [.serverError: 1], operations: [.token])
        let faults = FaultSwitch(plan)
        #expect(faults.next(for: .freeBusy)?.fault == nil)
        #expect(faults.next(for: .token)?.fault == .serverError)
        plan.probabilities = [:]
        faults.plan = plan
        #expect(faults.next(for: .token)?.fault == nil)
    }

    @Test("A server that is out of order says so in the provider's words")
    func failures() async throws {
        try await OpenAIBench.run { bench in
            bench.simulator.faults.trigger(.rateLimit)
            bench.simulator.faults.trigger(.serverError)
            let limited = try await bench.send(OpenAIStrictnessTests.body())
            #expect(limited.status == 429)
            #expect(limited.headers["Retry-After"] == "1")
            #expect(try limited.json()["error"]?["code"] == "rate_limit_exceeded")
            let broken = try await bench.send(OpenAIStrictnessTests.body())
            #expect(broken.status == 500)
            #expect(try broken.json()["error"]?["type"] == "server_error")
            #expect(bench.simulator.answeredRequests == 0)
        }
    }

    @Test("A truncated stream ends in the middle, and is an error")
    func truncated() async throws {
        try await OpenAIBench.run { bench in
            bench.simulator.faults.trigger(.truncate)
            var events: [String] = []
            var failure: (any Error)?
            do {
                let body = OpenAIStrictnessTests.body(["stream": true])
                for try await event in bench.client.events(bench.request(body)) { events.append(event.data) }
            } catch {
                failure = error
            }
            #expect(failure != nil)
            #expect(!events.isEmpty)
            #expect(!events.contains("[DONE]"))
        }
    }

    @Test("A truncated answer is a lost connection, after the effect")
    func truncatedAnswer() async throws {
        try await GoogleBench.run { bench in
            let token = try await bench.token()
            bench.simulator.faults.trigger(.truncate)
            await #expect(throws: HTTPError.self) {
                try await bench.send(.post, "/calendars/primary/events", token: token, SampleEvent.json())
            }
            #expect(bench.simulator.events().count == 1)
        }
    }
}
