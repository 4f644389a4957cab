import Calls
import HTTP
import Platform
import Providers
import Testing

@Suite("What the ingress lets in")
struct GateTests {
    private let form: FormFields = ["CallSid": "CA1", "CallStatus": "busy"]

    @Test("A forged, missing or strange signature is refused, and nothing is written")
    func signatures() async throws {
        try await IngressFixture.with { fixture in
            let call = try await fixture.makeCall()
            let target = "/webhooks/twilio/status?call=\(call)"
            let elsewhere = TwilioSignature(authToken: IngressFixture.token).sign(
                url: "https://other.example.com" + target, form: form)
            for signature in ["", "AAAA", elsewhere] {
                let response = try await fixture.post(target, form, signature: signature)
                #expect(response.status == 403)
                #expect(try response.json()["errors"]?[0]?["field"] == "X-Twilio-Signature")
            }
            let unsigned = try await fixture.http.send(
                HTTPClientRequest(.post, "http://127.0.0.1:\(fixture.port)\(target)", form: form))
            #expect(unsigned.status == 403)
            for route in ["voice", "turn"] {
                let response = try await fixture.post(
                    "/webhooks/twilio/\(route)?call=\(call)&turn=1", form, signature: "x")
                #expect(response.status == 403)
            }
            #expect(try await fixture.jobs(RecordCallStatus.kind).isEmpty)
        }
    }

    @Test("Without an auth token nothing counts as signed")
    func noToken() async throws {
        try await IngressFixture.with(authToken: nil) { fixture in
            let response = try await fixture.post("/webhooks/twilio/status?call=1", form)
            #expect(response.status == 403)
            #expect(response.text.contains("TWILIO_AUTH_TOKEN"))
        }
    }

    @Test("A body that is no form, or too large, is refused")
    func bodies() async throws {
        try await IngressFixture.with { fixture in
            let url = "http://127.0.0.1:\(fixture.port)/webhooks/twilio/status"
            let json = try await fixture.http.send(HTTPClientRequest(.post, url, json: ["CallSid": "CA1"]))
            #expect(json.status == 400)
            #expect(try json.json()["errors"]?[0]?["field"] == "Content-Type")
            let large = try await fixture.post("/webhooks/twilio/status", ["x": String(repeating: "y", count: 70_000)])
            #expect(large.status == 413)
        }
    }

    @Test("A wrong path or method says what would be right")
    func routing() async throws {
        try await IngressFixture.with { fixture in
            let nothing = try await fixture.get("/webhooks/twilio/nothing")
            #expect(nothing.status == 404)
            #expect(try nothing.json()["title"] == "Not Found")
            let method = try await fixture.get("/webhooks/twilio/turn")
            #expect(method.status == 405)
            #expect(method.headers["Allow"] == "POST")
            #expect(try await fixture.get("/health/").status == 200)
        }
    }

    @Test(
        "A turn without its call or number names the field",
        arguments: [
            ("voice", "call"), ("voice?call=abc", "call"), ("turn?turn=2", "call"), ("turn?call=1", "turn"),
            ("turn?call=1&turn=0", "turn"), ("turn?call=1&turn=two", "turn"), ("turn?call=1&turn=2&wait=-1", "wait"),
            ("turn?call=1&turn=2&job=x", "job"),
        ])
    func fields(_ target: String, _ field: String) async throws {
        try await IngressFixture.with { fixture in
            let response = try await fixture.post("/webhooks/twilio/" + target, ["CallSid": "CA1"])
            #expect(response.status == 422)
            #expect(try response.json()["errors"]?[0]?["field"]?.string == field)
        }
    }
}

@Suite("What operators ask")
struct OperatorTests {
    @Test("The process is healthy while the database answers, and not when it is away")
    func health() async throws {
        try await IngressFixture.with { fixture in
            let healthy = try await fixture.get("/health")
            #expect(healthy.status == 200)
            #expect(try healthy.json()["status"] == "ok")
        }
        try await IngressFixture.with(connectionString: OutageTests.nowhere) { fixture in
            let sick = try await fixture.get("/health")
            #expect(sick.status == 503)
            #expect(try sick.json()["status"] == "unavailable")
        }
    }

    @Test("Webhooks and turns are measured")
    func metrics() async throws {
        try await IngressFixture.with { fixture in
            let call = try await fixture.makeCall()
            try await fixture.addAnswer("Hola", call: call, turn: 1, number: 1)
            _ = try await fixture.post("/webhooks/twilio/voice?call=\(call)", ["CallSid": "CA1"])
            _ = try await fixture.post("/webhooks/twilio/status", ["CallSid": "CA1"], signature: "x")
            let text = try await fixture.get("/metrics").text
            #expect(text.contains(#"operadora_webhook_seconds_count{route="voice",status="2xx"} 1"#))
            #expect(text.contains(#"operadora_webhook_seconds_count{route="status",status="4xx"} 1"#))
            #expect(text.contains(#"operadora_turn_seconds_count{answer="repeated"} 1"#))
        }
    }

    @Test("The OpenAPI document names exactly what is answered below /webhooks and /api")
    func openAPI() async throws {
        try await IngressFixture.with { fixture in
            let document = try await fixture.get("/openapi.json").json()
            #expect(document["openapi"] == "3.1.0")
            let paths = try #require(document["paths"]?.object)
            let webhooks = ["status", "transfer", "turn", "voice"].map { "/webhooks/twilio/\($0)" }
            #expect(paths.keys.sorted() == ["/api/execute_tool"] + webhooks)
            for (path, item) in paths {
                let operation = try #require(item["post"])
                let required = operation["parameters"]?.array?.filter { $0["required"] == true } ?? []
                let names = required.compactMap { $0["name"]?.string }
                let query = names.isEmpty ? "" : "?" + names.map { "\($0)=1" }.joined(separator: "&")
                let answer = try await fixture.post(
                    path + query, ["CallSid": "CA1", "CallStatus": "busy", "Direction": "x"])
                let documented = try #require(operation["responses"]?.object)
                #expect(documented.keys.contains(String(answer.status)), "\(path) answered \(answer.status)")
            }
        }
    }
}
