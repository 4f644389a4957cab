import FoundationEssentials
import HTTP
import Platform
import Testing

@testable import Simulators

@Suite struct TwilioStrictnessTests {
    struct Mistake: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var name: String
        var value: String
        var code: Int64
    }

    static let mistakes: [Mistake] = [
        Mistake(testDescription: "no To", name: "To", value: "", code: 21201),
        Mistake(testDescription: "local To", name: "To", value: "5512345678", code: 21211),
        Mistake(testDescription: "To with spaces", name: "To", value: "+52 55 1234 5678", code: 21211),
        Mistake(testDescription: "To that is too long", name: "To", value: "+1234567890123456", code: 21211),
        Mistake(testDescription: "no From", name: "From", value: "", code: 21213),
        Mistake(testDescription: "From that is no number", name: "From", value: "Operadora", code: 21212),
        Mistake(testDescription: "From that is not ours", name: "From", value: "+15005550100", code: 21210),
        Mistake(testDescription: "no Url", name: "Url", value: "", code: 21205),
        Mistake(testDescription: "relative Url", name: "Url", value: "/voice", code: 21205),
        Mistake(testDescription: "Url with a space", name: "Url", value: "http://example.com/a b", code: 21205),
        Mistake(testDescription: "relative StatusCallback", name: "StatusCallback", value: "status", code: 21609),
        Mistake(
            testDescription: "all events in one", name: "StatusCallbackEvent", value: "initiated ringing", code: 21626),
        Mistake(testDescription: "unknown detection", name: "MachineDetection", value: "true", code: 20001),
        Mistake(testDescription: "Timeout of no seconds", name: "Timeout", value: "0", code: 20001),
        Mistake(testDescription: "Timeout of 601 seconds", name: "Timeout", value: "601", code: 20001),
        Mistake(testDescription: "unknown parameter", name: "Colour", value: "red", code: 20001),
    ]

    @Test("A call that Twilio would refuse is refused with Twilio's code, and not made", arguments: mistakes)
    func refused(_ mistake: Mistake) async throws {
        try await TwilioBench.run { bench in
            let form = bench.form(to: "+525512345678", [(mistake.name, mistake.value)])
            let response = try await bench.send(.post, form: form)
            #expect(response.status == 400)
            #expect(try response.json()["code"]?.integer == mistake.code)
            #expect(try response.json()["more_info"]?.string?.hasSuffix("\(mistake.code)") == true)
            #expect(bench.simulator.callCount == 0)
        }
    }

    @Test("A wrong password is 20003, an unknown call or account 20404")
    func access() async throws {
        try await TwilioBench.run { bench in
            let wrong = try await bench.send(.get, password: "other")
            #expect(wrong.status == 401)
            #expect(try wrong.json()["code"] == 20003)
            let unknown = try await bench.send(.get, "Calls/CA00000000000000000000000000000000.json")
            #expect(unknown.status == 404)
            #expect(try unknown.json()["code"] == 20404)
            #expect(try await bench.send(.get, "Conferences.json").status == 404)
        }
    }

    @Test("A list is filtered and paged, the newest first")
    func list() async throws {
        try await TwilioBench.run { bench in
            for number in ["+525500000001", "+525500000002", "+525500000001"] { _ = try await bench.call(number) }
            let sids = bench.simulator.calls.map(\.sid)
            let filter = FormFields([("To", "+525500000001"), ("StartTime>", "2020-01-01"), ("PageSize", "1")])
            let first = try await bench.send(.get, "Calls.json?\(filter.encoded)").json()
            #expect(first["calls"]?.array?.compactMap { $0["sid"]?.string } == [sids[2]])
            let next = try #require(first["next_page_uri"]?.string?.split(separator: "/").last)
            let second = try await bench.send(.get, String(next)).json()
            #expect(second["calls"]?.array?.compactMap { $0["sid"]?.string } == [sids[0]])
            #expect(second["next_page_uri"] == .null)
            let later = try await bench.send(.get, "Calls.json?StartTime%3E=2100-01-01").json()
            #expect(later["calls"] == [])
            #expect(try await bench.send(.get, "Calls.json?Status=over").status == 400)
        }
    }

    @Test("A list that lags does not show what is young; asking by sid does")
    func lag() async throws {
        var plan = FaultPlan.none
        plan.listLag = .seconds(3_600)
        try await TwilioBench.run(faults: plan) { bench in
            let call = try await bench.call("+525500000001")
            #expect(try await bench.send(.get).json()["calls"] == [])
            let asked = try await bench.send(.get, "Calls/\(call.sid).json").json()
            #expect(asked["status"]?.string == call.status.rawValue)
        }
    }

    @Test("Calls above the rate wait in the queue, and can be cancelled there")
    func queue() async throws {
        var configuration = TwilioBench.configuration()
        configuration.callsPerSecond = 0.001
        try await TwilioBench.run(configuration) { bench in
            _ = try await bench.call("+525500000001")
            let queued = try await bench.send(.post, form: bench.form(to: "+525500000002")).json()
            let sid = try #require(queued["sid"]?.string)
            #expect(queued["status"] == "queued")
            #expect(queued["start_time"] == .null)
            let cancelled = try await bench.send(.post, "Calls/\(sid).json", form: ["Status": "completed"])
            #expect(cancelled.status == 200)
            await bench.simulator.waitForEnd(of: sid)
            #expect(bench.simulator.call(sid)?.status == .canceled)
            let again = try await bench.send(.post, "Calls/\(sid).json", form: ["Status": "completed"])
            #expect(try again.json()["code"] == 21220)
        }
    }
}
