import FoundationEssentials
import HTTP
import Platform
import Providers
import Synchronization
import TestSupport
import Testing

/// A server in Twilio's place that records what it is asked and answers what a test wants.
private final class FakeTwilio: Sendable {
    let requests = Mutex<[HTTPServerRequest]>([])
    private let answers: Mutex<[HTTPServerResponse]>
    private let http = HTTPClient(logger: Logger(label: "tests", level: .error))

    init(_ answers: [HTTPServerResponse]) { self.answers = Mutex(answers) }

    func answer(_ request: HTTPServerRequest) -> HTTPServerResponse {
        requests.withLock { $0.append(request) }
        return answers.withLock { $0.isEmpty ? HTTPServerResponse(status: 500) : $0.removeFirst() }
    }

    /// Runs `body` with a client of this server.
    static func with<Result: Sendable>(
        _ answers: HTTPServerResponse..., body: (TwilioClient, FakeTwilio) async throws -> Result
    ) async throws -> Result {
        let twilio = FakeTwilio(answers)
        let server = try HTTPServer(
            configuration: HTTPServer.Configuration(), logger: Logger(label: "tests", level: .error)
        ) { twilio.answer($0) }
        let client = TwilioClient(
            accountSID: "AC123", authToken: Secret("token"), baseURL: "http://127.0.0.1:\(server.port)/",
            http: twilio.http, timeout: .seconds(5))
        let result: Swift.Result<Result, any Error>
        do { result = .success(try await body(client, twilio)) } catch { result = .failure(error) }
        await server.stop()
        await twilio.http.shutDown()
        return try result.get()
    }
}

private func call(_ sid: String, created: String? = "Wed, 07 Jan 2026 16:20:00 +0000") -> JSON {
    [
        "sid": .string(sid), "status": "completed", "to": "+525512345678", "from": "+15550000001", "duration": "63",
        "date_created": created.map { .string($0) } ?? .null, "start_time": .null, "answered_by": "human",
        "price": "-0.0170", "price_unit": "USD", "direction": "outbound-api",
    ]
}

private let newCall = TwilioNewCall(
    to: "+525512345678", from: "+15550000001", url: "https://calls.example.com/webhooks/twilio/voice?call=7",
    statusCallback: "https://calls.example.com/webhooks/twilio/status?call=7", timeoutSeconds: 25)

@Suite("Twilio's REST API")
struct TwilioClientTests {
    @Test("A call is asked for as Twilio's own package asks", .enabled(if: PythonPeer.isExpected))
    func createsLikeTwilio() async throws {
        let (made, request) = try await FakeTwilio.with(.json(call("CA1"), status: 201)) { client, twilio in
            let made = try await client.createCall(newCall)
            return (made, try #require(twilio.requests.withLock { $0.first }))
        }
        #expect(made.sid == "CA1")
        let script = """
            import json, sys
            from urllib.parse import urlsplit
            from twilio.rest import Client
            from twilio.http.http_client import TwilioHttpClient
            from twilio.http.response import Response
            class Recorder(TwilioHttpClient):
                def request(self, method, url, params=None, data=None, headers=None, auth=None, **rest):
                    self.seen = [method, urlsplit(url).path, auth, sorted(
                        [k, x] for k, v in data.items() for x in (v if isinstance(v, list) else [v]))]
                    return Response(201, json.dumps({"sid": "CA1"}))
            http = Recorder()
            client = Client("AC123", "token", http_client=http)
            given = json.load(sys.stdin)
            client.calls.create(to=given["to"], from_=given["from"], url=given["url"], method="POST",
                status_callback=given["status"], status_callback_method="POST",
                status_callback_event=["initiated", "ringing", "answered", "completed"],
                machine_detection="Enable", timeout=25)
            method, path, auth, form = http.seen
            json.dump([method, path, list(auth), [[k, str(v)] for k, v in form]], sys.stdout)
            """
        let theirs = try await PythonPeer.run(
            script,
            input: [
                "to": .string(newCall.to), "from": .string(newCall.from), "url": .string(newCall.url),
                "status": .string(newCall.statusCallback),
            ])
        #expect(theirs[0]?.string == request.method)
        #expect(theirs[1]?.string == request.path)
        let credentials = try #require(theirs[2]?.array).compactMap(\.string).joined(separator: ":")
        #expect(request.headers["Authorization"] == "Basic " + Data(credentials.utf8).base64EncodedString())
        let ours = request.form.fields.map { [$0.name, $0.value] }.sorted { $0.lexicographicallyPrecedes($1) }
        let expected = try #require(theirs[3]?.array).map { $0.array?.compactMap(\.string) ?? [] }
        #expect(ours == expected.sorted { $0.lexicographicallyPrecedes($1) })
    }

    @Test("A call is read with its times, duration and price")
    func reads() async throws {
        let read = try await FakeTwilio.with(.json(call("CA9"))) { client, _ in try await client.call("CA9") }
        #expect(read.durationSeconds == 63)
        #expect(read.price == "-0.0170")
        #expect(read.priceUnit == "USD")
        #expect(read.startTime == nil)
        #expect(read.dateCreated == (try Date("2026-01-07T16:20:00Z", strategy: .iso8601)))
    }

    @Test("The list goes through every page, by Twilio's clock, and keeps calls that wait without a start time")
    func pages() async throws {
        let next = "/2010-04-01/Accounts/AC123/Calls.json?Page=1&PageToken=PACA1"
        let first: JSON = ["calls": [call("CA1")], "next_page_uri": .string(next)]
        let second: JSON = [
            "calls": [call("CA2", created: nil), call("CA3", created: "Tue, 06 Jan 2026 16:20:00 +0000")],
            "next_page_uri": .null,
        ]
        let clock: HTTPHeaders = ["Date": "Wed, 07 Jan 2026 16:21:00 GMT"]
        let answers = (HTTPServerResponse.json(first, headers: clock), HTTPServerResponse.json(second))
        let (found, targets) = try await FakeTwilio.with(answers.0, answers.1) { client, twilio in
            let found = try await client.calls(to: "+525512345678", from: "+15550000001", within: .seconds(120))
            return (found, twilio.requests.withLock { $0.map(\.target) })
        }
        #expect(found.map(\.sid) == ["CA1", "CA2"])
        #expect(
            targets[0] == "/2010-04-01/Accounts/AC123/Calls.json?To=%2B525512345678&From=%2B15550000001&PageSize=100")
        #expect(targets[1] == next)
    }

    @Test(
        "A next page elsewhere is not followed: credentials would travel with it",
        arguments: [
            "https://evil.example.com/2010-04-01/Accounts/AC123/Calls.json?Page=1", "//evil.example.com/x",
            "@evil.example.com/2010-04-01/Accounts/AC123/Calls.json?Page=1",
            "/2010-04-01/Accounts/AC999/Calls.json?Page=1",
        ])
    func strayPage(_ uri: String) async throws {
        try await FakeTwilio.with(.json(["calls": [], "next_page_uri": .string(uri)])) { client, twilio in
            await #expect(throws: TwilioError.self) {
                try await client.calls(to: "+1", from: "+2", within: .seconds(3_600))
            }
            #expect(twilio.requests.withLock { $0.count } == 1)
        }
    }

    @Test("Hanging up completes the call")
    func hangsUp() async throws {
        let request = try await FakeTwilio.with(.json(call("CA5"))) { client, twilio in
            try await client.hangUp("CA5")
            return try #require(twilio.requests.withLock { $0.first })
        }
        #expect(request.method == "POST")
        #expect(request.path == "/2010-04-01/Accounts/AC123/Calls/CA5.json")
        #expect(request.form["Status"] == "completed")
    }

    @Test("A sid that would lead elsewhere is not sent", arguments: ["", "../Messages", "CA1.json?x=", "CA 1", "CÁ1"])
    func strangeSid(_ sid: String) async throws {
        try await FakeTwilio.with { client, twilio in
            await #expect(throws: TwilioError.self) { try await client.call(sid) }
            #expect(twilio.requests.withLock { $0.isEmpty })
        }
    }
}

@Suite("What Twilio's failures prove")
struct TwilioErrorTests {
    private func failure(_ answer: HTTPServerResponse) async throws -> TwilioError {
        try await FakeTwilio.with(answer) { client, _ in
            do throws(TwilioError) {
                let made = try await client.createCall(newCall)
                Issue.record("the call was made: \(made)")
                return .notFound(message: "")
            } catch { return error }
        }
    }

    private func refusal(_ status: Int, _ code: Int?) -> HTTPServerResponse {
        var body: JSON = ["message": "no", "status": .integer(Int64(status))]
        if let code { body = ["message": "no", "status": .integer(Int64(status)), "code": .integer(Int64(code))] }
        var response = HTTPServerResponse.json(body, status: status)
        response.headers["Retry-After"] = "7"
        return response
    }

    @Test("A refusal is final, with Twilio's code")
    func refused() async throws {
        #expect(try await failure(refusal(400, 21_211)) == .refused(status: 400, code: 21_211, message: "no"))
        #expect(try await failure(refusal(401, 20_003)) == .unauthorized(code: 20_003, message: "no"))
        #expect(try await failure(refusal(403, nil)) == .unauthorized(code: nil, message: "no"))
        #expect(try await failure(refusal(404, 20_404)) == .notFound(message: "no"))
    }

    @Test("Too many requests, and a 503 in Twilio's words, were certainly not processed")
    func turnedAway() async throws {
        #expect(try await failure(refusal(429, 20_429)) == .rateLimited(retryAfter: .seconds(7)))
        #expect(
            try await failure(refusal(503, 20_503)) == .unavailable(retryAfter: .seconds(7), message: "no"))
    }

    @Test(
        "A 5xx without Twilio's words, an unreadable answer and a lost one may have dialled",
        arguments: [
            HTTPServerResponse(status: 500), HTTPServerResponse(status: 502), HTTPServerResponse(status: 503),
            HTTPServerResponse(status: 504), .json(["sid": ""], status: 201), .text("<html>", status: 201), .drop(),
            .drop(sent: Array("HTTP/1.1 201 Created\r\nContent-Length: 50\r\n\r\n{\"sid\":".utf8)),
        ])
    func maybe(_ answer: HTTPServerResponse) async throws {
        guard case .maybeHappened = try await failure(answer) else {
            Issue.record("\(try await failure(answer)) proves too much")
            return
        }
    }

    @Test("A server that cannot be reached was certainly not asked")
    func unreachable() async throws {
        let http = HTTPClient(logger: Logger(label: "tests", level: .error))
        // A port that was just free: nobody listens there.
        let server = try HTTPServer(
            configuration: HTTPServer.Configuration(), logger: Logger(label: "tests", level: .error)
        ) { _ in HTTPServerResponse() }
        let port = server.port
        await server.stop()
        let client = TwilioClient(
            accountSID: "AC123", authToken: Secret("token"), baseURL: "http://127.0.0.1:\(port)", http: http)
        do throws(TwilioError) {
            _ = try await client.createCall(newCall)
            Issue.record("a call was made")
        } catch {
            guard case .unavailable = error else {
                Issue.record("\(error) proves too little")
                return
            }
            #expect(!"\(error)".contains("token"))
        }
        await http.shutDown()
    }
}
