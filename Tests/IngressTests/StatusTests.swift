import Calls
import HTTP
import Platform
import Postgres
import TestSupport
import Testing

@Suite("Statuses")
struct StatusTests {
    @Test("A status is committed once, behind the turns of its call")
    func committed() async throws {
        try await IngressFixture.with { fixture in
            let call = try await fixture.makeCall()
            let form: FormFields = [
                "CallSid": "CA1", "CallStatus": "completed", "CallDuration": "63", "SequenceNumber": "3",
                "AnsweredBy": "human",
            ]
            for _ in 0..<3 {
                let response = try await fixture.post("/webhooks/twilio/status?call=\(call)", form)
                #expect(response.status == 204)
            }
            let events = try await fixture.jobs(RecordCallStatus.kind)
            #expect(events.count == 1)
            let event = try events[0].decode(RecordCallStatus.self)
            #expect(
                event
                    == RecordCallStatus(
                        callID: call, providerCallID: "CA1", status: "completed", answeredBy: "human",
                        durationSeconds: 63))
            let job = try await fixture.database.client.query("SELECT key, queue FROM jobs")
            let (key, queue) = try #require(job.first).decode(String.self, String.self)
            #expect(key == "call:\(call)")
            #expect(queue == "turns")
        }
    }

    @Test("Without our id the call is found by Twilio's")
    func bySid() async throws {
        try await IngressFixture.with { fixture in
            let call = try await fixture.makeCall(sid: "CA5")
            let response = try await fixture.post(
                "/webhooks/twilio/status", ["CallSid": "CA5", "CallStatus": "no-answer"])
            #expect(response.status == 204)
            #expect(try await fixture.jobs(RecordCallStatus.kind).map { $0["call_id"]?.integer } == [call])
        }
    }

    @Test("A status of an unknown call is refused by name", arguments: ["?call=424242", ""])
    func unknown(_ query: String) async throws {
        try await IngressFixture.with { fixture in
            let response = try await fixture.post(
                "/webhooks/twilio/status" + query, ["CallSid": "CA404", "CallStatus": "busy"])
            #expect(response.status == 404)
            #expect(response.headers["Content-Type"] == "application/problem+json")
            #expect(try response.json()["errors"]?[0]?["field"]?.string == (query.isEmpty ? "CallSid" : "call"))
            #expect(try await fixture.jobs(RecordCallStatus.kind).isEmpty)
        }
    }

    private static let badFields: [(query: String, form: FormFields, field: String)] = [
        ("?call=1", ["CallStatus": "busy"], "CallSid"),
        ("?call=1", ["CallSid": "CA/1", "CallStatus": "busy"], "CallSid"),
        ("?call=1", ["CallSid": "CA1"], "CallStatus"),
        ("?call=1", ["CallSid": "CA1", "CallStatus": "exploded"], "CallStatus"),
        ("?call=one", ["CallSid": "CA1", "CallStatus": "busy"], "call"),
        ("?call=-1", ["CallSid": "CA1", "CallStatus": "busy"], "call"),
        ("?call=99999999999999999999", ["CallSid": "CA1", "CallStatus": "busy"], "call"),
        ("?call=1", ["CallSid": "CA1", "CallStatus": "completed", "CallDuration": "long"], "CallDuration"),
        ("?call=1", ["CallSid": "CA1", "CallStatus": "completed", "SequenceNumber": "-2"], "SequenceNumber"),
    ]

    @Test("A bad field is named with its reason", arguments: badFields)
    func badField(_ bad: (query: String, form: FormFields, field: String)) async throws {
        try await IngressFixture.with { fixture in
            let response = try await fixture.post("/webhooks/twilio/status" + bad.query, bad.form)
            #expect(response.status == 422)
            let problem = try response.json()
            #expect(problem["status"]?.integer == 422)
            #expect(problem["errors"]?[0]?["field"]?.string == bad.field)
            #expect(problem["detail"]?.string?.hasPrefix(bad.field) == true)
        }
    }
}
