import Calls
import HTTP
import Jobs
import Platform
import Postgres
import TestSupport
import Testing

@testable import Ingress

@Suite("POST /api/execute_tool")
struct ToolCallTests {
    private static let token = "0123456789abcdef"

    private func post(
        _ body: String, to fixture: IngressFixture, authorization: String? = "Bearer \(token)", key: String? = nil,
        contentType: String = "application/json"
    ) async throws -> HTTPClientResponse {
        var headers: HTTPHeaders = ["Content-Type": contentType]
        headers["Authorization"] = authorization
        headers["Idempotency-Key"] = key
        return try await fixture.http.send(
            HTTPClientRequest(
                .post, "http://127.0.0.1:\(fixture.port)/api/execute_tool", headers: headers, body: Array(body.utf8)))
    }

    /// Ends each job with the answer that a worker would give.
    private func answering(_ fixture: IngressFixture, _ body: () async throws -> Void) async throws {
        let scene = fixture.toolWorker { job in
            switch job.name {
            case "terminarLlamada": ["success": true, "system_action": "disconnect"]
            case "abrirEnlace": ["success": true, "system_action": "open_url", "url": "https://canaco.com"]
            default: ["success": false, "error": "there is no such tool"]
            }
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await scene.run() }
            defer { group.cancelAll() }
            try await body()
        }
    }

    @Test("A tool's result comes back, with the action and the page that are for the browser")
    func answers() async throws {
        try await IngressFixture.with(apiTokens: [Secret("another-token-16"), Secret(Self.token)]) { fixture in
            try await answering(fixture) {
                let hangUp = try await post(#"{"name":"terminarLlamada","arguments":{}}"#, to: fixture)
                #expect(hangUp.status == 200)
                #expect(
                    try hangUp.json() == [
                        "success": true, "system_action": "disconnect",
                        "result": ["success": true, "system_action": "disconnect"],
                    ])
                let page = try await post(#"{"name":"abrirEnlace","arguments":{"url":"canaco.com"}}"#, to: fixture)
                #expect(try page.json()["system_action"] == "open_url")
                #expect(try page.json()["url"] == "https://canaco.com")
                let unknown = try await post(#"{"name":"x"}"#, to: fixture)
                #expect(unknown.status == 200)
                #expect(
                    try unknown.json() == [
                        "success": false, "result": ["success": false, "error": "there is no such tool"],
                    ])
            }
            let metrics = try await fixture.get("/metrics").text
            #expect(metrics.contains(#"operadora_api_seconds_count{route="execute_tool",status="2xx"} 3"#))
        }
    }

    @Test(
        "Without a right token nothing is kept",
        arguments: [nil, "", "Bearer", "Bearer 0123456789abcdeg", "Basic eDp5"])
    func refusesTokens(_ authorization: String?) async throws {
        try await IngressFixture.with(apiTokens: [Secret(Self.token)]) { fixture in
            let response = try await post(#"{"name":"terminarLlamada"}"#, to: fixture, authorization: authorization)
            #expect(response.status == 401)
            #expect(response.headers["WWW-Authenticate"] == "Bearer")
            #expect(try await fixture.jobs(ExecuteTool.kind).isEmpty)
        }
    }

    @Test("Where no token is configured none is taken")
    func needsTokens() async throws {
        try await IngressFixture.with { fixture in
            let response = try await post(#"{"name":"terminarLlamada"}"#, to: fixture)
            #expect(response.status == 401)
            #expect(response.text.contains("API_TOKENS is not set"))
        }
    }

    @Test(
        "What is wrong with a request is named, and nothing is kept of it",
        arguments: [
            ("{", 400, nil), ("[]", 400, nil), ("{}", 422, "name"), (#"{"name":""}"#, 422, "name"),
            (#"{"name":1}"#, 422, "name"),
            (#"{"name":"\#(String(repeating: "x", count: 65))"}"#, 422, "name"),
            (#"{"name":"x\u0000"}"#, 400, nil), (#"{"name":"x","arguments":{"y":["\u0000"]}}"#, 400, nil),
            (#"{"name":"x","arguments":[]}"#, 422, "arguments"), (#"{"name":"x","callId":1}"#, 422, "callId"),
            (#"{"name":"x","call_id":"1"}"#, 422, "call_id"), (#"{"name":"x","call_id":0}"#, 422, "call_id"),
            (#"{"name":"x","call_id":7}"#, 404, "call_id"),
            (#"{"name":"x","arguments":{"y":"\#(String(repeating: "y", count: 70_000))"}}"#, 413, nil),
        ])
    func refuses(_ body: String, _ status: Int, _ field: String?) async throws {
        try await IngressFixture.with(apiTokens: [Secret(Self.token)]) { fixture in
            let response = try await post(body, to: fixture)
            #expect(response.status == status)
            if let field { #expect(try response.json()["errors"]?[0]?["field"]?.string == field) }
            #expect(try await fixture.jobs(ExecuteTool.kind).isEmpty)
        }
    }

    @Test("A form is not JSON, and a key has 128 visible characters at most")
    func refusesHeaders() async throws {
        try await IngressFixture.with(apiTokens: [Secret(Self.token)]) { fixture in
            let form = try await post("name=x", to: fixture, contentType: "application/x-www-form-urlencoded")
            #expect(form.status == 400)
            for key in ["a b", String(repeating: "k", count: 129)] {
                #expect(try await post(#"{"name":"x"}"#, to: fixture, key: key).status == 422)
            }
        }
    }

    @Test("The same request with the same key is the same call: its result is told again; another request is another")
    func repeats() async throws {
        try await IngressFixture.with(apiTokens: [Secret(Self.token)]) { fixture in
            try await answering(fixture) {
                let body = #"{"name":"abrirEnlace","arguments":{"url":"canaco.com","x":1}}"#
                let first = try await post(body, to: fixture, key: "k-1")
                #expect(first.headers["Idempotency-Key"] == "k-1")
                let again = #"{"arguments":{"x":1,"url":"canaco.com"},"name":"abrirEnlace"}"#
                let repeated = try await post(again, to: fixture, key: "k-1").json()
                #expect(try repeated == first.json())
                #expect(try await fixture.jobs(ExecuteTool.kind).count == 1)
                let other = try await post(#"{"name":"terminarLlamada"}"#, to: fixture, key: "k-1")
                #expect(try other.json()["system_action"] == "disconnect")
                #expect(try await fixture.jobs(ExecuteTool.kind).count == 2)
            }
        }
    }

    @Test("A tool that takes longer than the hold is not lost: the same key gets its result later")
    func outlivesTheHold() async throws {
        try await IngressFixture.with(hold: .seconds(1), apiTokens: [Secret(Self.token)]) { fixture in
            let body = #"{"name":"terminarLlamada"}"#
            let early = try await post(body, to: fixture)
            #expect(early.status == 202)
            #expect(try early.json()["result"]?["reason"] == "not_ended")
            let key = try #require(early.headers["Idempotency-Key"])
            try await answering(fixture) {
                var late = early
                while late.status == 202 { late = try await post(body, to: fixture, key: key) }
                #expect(late.status == 200)
                #expect(try late.json()["system_action"] == "disconnect")
            }
            #expect(try await fixture.jobs(ExecuteTool.kind).count == 1)
        }
    }

    @Test("While the database is away nothing is kept, and the sender may come again")
    func outage() async throws {
        try await IngressFixture.with(
            hold: .milliseconds(200), connectionString: OutageTests.nowhere, apiTokens: [Secret(Self.token)]
        ) { fixture in
            let response = try await post(#"{"name":"terminarLlamada"}"#, to: fixture)
            #expect(response.status == 503)
            #expect(response.headers["Retry-After"] != nil && response.headers["Idempotency-Key"] != nil)
        }
    }

    @Test("While the database does not answer it may be kept: the key that comes back makes it one call")
    func stalls() async throws {
        try await IngressFixture.with(hold: .seconds(1), apiTokens: [Secret(Self.token)]) { fixture in
            let body = #"{"name":"terminarLlamada"}"#
            let late = try await fixture.database.client.withTransaction { connection in
                try await connection.query("LOCK TABLE jobs")
                return try await post(body, to: fixture)
            }
            #expect(late.status == 503)
            #expect(late.text.contains("may have been kept"))
            let key = try #require(late.headers["Idempotency-Key"])
            try await answering(fixture) {
                var answer = late
                while answer.status != 200 { answer = try await post(body, to: fixture, key: key) }
                #expect(try answer.json()["system_action"] == "disconnect")
            }
            #expect(try await fixture.jobs(ExecuteTool.kind).count == 1)
        }
    }

    @Test("The call is the job's, behind the turns that came before")
    func belongsToCall() async throws {
        try await IngressFixture.with(apiTokens: [Secret(Self.token)]) { fixture in
            let call = try await fixture.makeCall()
            try await answering(fixture) {
                let body = #"{"name":"terminarLlamada","arguments":{"x":[1]},"call_id":\#(call)}"#
                let answer = try await post(body, to: fixture)
                #expect(answer.status == 200)
            }
            let job: JSON = ["name": "terminarLlamada", "arguments": ["x": [1]], "call_id": .integer(call)]
            #expect(try await fixture.jobs(ExecuteTool.kind) == [job])
            let rows = try await fixture.database.client.query("SELECT key FROM finished_jobs")
            #expect(try rows.map { try $0.decode(String.self, at: 0) } == ["call:\(call)"])
        }
    }

    @Test(
        "A tool that was not begun in time is said not to have run; of one that was begun nobody knows",
        arguments: [false, true])
    func expires(_ wasBegun: Bool) async throws {
        try await IngressFixture.with(apiTokens: [Secret(Self.token)]) { fixture in
            let response = Task { try await post(#"{"name":"terminarLlamada"}"#, to: fixture) }
            #expect(try await eventually { try await fixture.jobs(ExecuteTool.kind).count == 1 })
            if wasBegun {
                try await fixture.database.client.query(
                    "INSERT INTO tool_calls (name, arguments, job_id) SELECT 'terminarLlamada', '{}', id FROM jobs")
            }
            try await fixture.database.client.query("UPDATE jobs SET start_by = now() - interval '1 s'")
            try await answering(fixture) {
                let answer = try await response.value
                #expect(try answer.json()["result"]?["reason"]?.string == (wasBegun ? "uncertain" : "not_started"))
            }
        }
    }

    @Test("More than may be waited for at once are refused, and asked to come again")
    func limits() async throws {
        try await IngressFixture.with(apiTokens: [Secret(Self.token)], maximumWaitingTools: 1) { fixture in
            let body = #"{"name":"terminarLlamada"}"#
            let first = Task { try await post(body, to: fixture) }
            #expect(try await eventually { try await fixture.jobs(ExecuteTool.kind).count == 1 })
            let second = try await post(body, to: fixture)
            #expect(second.status == 429)
            #expect(second.headers["Retry-After"] == "1")
            try await answering(fixture) {
                let ended = try await first.value
                #expect(ended.status == 200)
                let next = try await post(body, to: fixture)
                #expect(next.status == 200)
            }
        }
    }
}
