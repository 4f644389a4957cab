import Calls
import HTTP
import Jobs
import Platform
import Postgres
import TestSupport
import Testing

@Suite("While the database is away")
struct OutageTests {
    /// A database that is not there.
    static let nowhere = "host=127.0.0.1 port=1 dbname=nowhere user=nobody connect_timeout=2"

    private let said: FormFields = [
        "CallSid": "CA1", "SpeechResult": "Sí, mañana a las 3 & media", "Confidence": "0.91", "Digits": "12#",
    ]

    @Test("A turn is brought back with what was said, and then answered as if nothing had been")
    func broughtBack() async throws {
        let target = "/webhooks/twilio/turn?call=1&turn=2&lang=es-MX"
        let held = try await IngressFixture.with(hold: .milliseconds(100), connectionString: Self.nowhere) { fixture in
            let held = try await fixture.post(target, said)
            #expect(fixture.metrics.render().contains(#"operadora_turn_seconds_count{answer="brought_back"} 1"#))
            return held
        }
        #expect(held.status == 200)
        #expect(Spoken.said(held) == "Un momento, por favor.")
        let back = try #require(Spoken.redirect(held))
        try await IngressFixture.with(handler: converse) { fixture in
            let call = try await fixture.makeCall()
            #expect(call == 1)
            try await fixture.addAnswer("Hola", call: call, turn: 1, number: 1)
            _ = try await fixture.post(back, ["CallSid": "CA1"])
            let work = try await fixture.jobs(ProcessConversation.kind)
            #expect(
                try work.map { try $0.decode(ProcessConversation.self) } == [
                    ProcessConversation(
                        callID: 1, turn: 2, speech: "Sí, mañana a las 3 & media", confidence: 0.91, digits: "12#",
                        providerCallID: "CA1")
                ])
        }
    }

    @Test("Carried speech is cut to what a URL takes")
    func longSpeech() async throws {
        try await IngressFixture.with(hold: .milliseconds(20), connectionString: Self.nowhere) { fixture in
            let form: FormFields = ["CallSid": "CA1", "SpeechResult": String(repeating: "ñandú ", count: 600)]
            let held = try await fixture.post("/webhooks/twilio/turn?call=1&turn=2", form)
            let back = try #require(Spoken.redirect(held))
            #expect(back.utf8.count < 4_000)
            #expect(back.contains("speech=%C3%B1and%C3%BA"))
            #expect(held.text.contains("<Pause"), "the language is not known")
        }
    }

    @Test("A first call to us comes back to the same place")
    func inbound() async throws {
        try await IngressFixture.with(hold: .milliseconds(20), connectionString: Self.nowhere) { fixture in
            let form: FormFields = ["CallSid": "CA1", "From": "+1", "To": "+2", "Direction": "inbound"]
            let held = try await fixture.post("/webhooks/twilio/voice", form)
            #expect(Spoken.redirect(held) == "https://calls.example.com/webhooks/twilio/voice?wait=1")
        }
    }

    @Test("Who was brought back too often hears an apology")
    func tooOften() async throws {
        try await IngressFixture.with(hold: .milliseconds(20), connectionString: Self.nowhere) { fixture in
            var response = try await fixture.post("/webhooks/twilio/turn?call=1&turn=2&lang=en-US", said)
            var returns = 0
            while let next = Spoken.redirect(response), returns < 20 {
                returns += 1
                response = try await fixture.post(next, ["CallSid": "CA1"])
            }
            #expect(returns == 6)
            #expect(Spoken.said(response)?.hasPrefix("I am sorry") == true)
            #expect(response.text.contains("<Hangup/>"))
        }
    }

    @Test("A status is not acknowledged: 503, and when to come again")
    func status() async throws {
        try await IngressFixture.with(hold: .milliseconds(50), connectionString: Self.nowhere) { fixture in
            let response = try await fixture.post(
                "/webhooks/twilio/status?call=1", ["CallSid": "CA1", "CallStatus": "busy"])
            #expect(response.status == 503)
            #expect(response.headers["Retry-After"] == "5")
            #expect(response.headers["Content-Type"] == "application/problem+json")
        }
    }

    @Test("A write that hangs is given up when the hold is over")
    func hanging() async throws {
        try await IngressFixture.with(hold: .milliseconds(150)) { fixture in
            let call = try await fixture.makeCall()
            try await fixture.database.client.withTransaction { connection in
                try await connection.query("LOCK TABLE calls IN ACCESS EXCLUSIVE MODE")
                let response = try await fixture.post("/webhooks/twilio/voice?call=\(call)", ["CallSid": "CA1"])
                #expect(response.status == 200)
                #expect(Spoken.redirect(response)?.contains("wait=1") == true)
            }
        }
    }

    @Test("PostgreSQL restarts in the middle of a turn: the turn is answered, once")
    func restart() async throws {
        let server = try await PrivateServer.start(logger: IngressFixture.logger)
        let connectionString = try await server.createDatabase(named: "calls")
        let client = PostgresClient(
            PostgresConfiguration(connectionString: connectionString), logger: IngressFixture.logger)
        _ = try await Migrator(directory: TestDatabase.migrations, logger: IngressFixture.logger).up(client)
        let claimed = Gate()
        let release = Gate()
        // Keeps its answer with the end of its job, as the product's own handler does.
        let handler: IngressFixture.TurnHandler = { turn, context, _ in
            claimed.open()
            await release.wait()
            let answer = SpokenAnswer(say: "Sigo aquí", language: "es", nextTurn: turn.turn + 1, endsCall: false)
            try await context.complete(
                try JSON(encoding: answer),
                with: [
                    """
                    INSERT INTO turns (call_id, number, role, content, in_reply_to)
                    VALUES (\(turn.callID), \(turn.turn), 'agent', \(answer.say), \(turn.turn))
                    """
                ], on: client)
            return .completedInTransaction
        }
        try await IngressFixture.with(hold: .seconds(25), connectionString: connectionString, handler: handler) {
            fixture in
            try await client.query(
                """
                INSERT INTO calls (provider, provider_call_id, to_phone, status, language, timezone, dial_intent_at, started_at)
                VALUES ('twilio', 'CA1', '+525512345678', 'in_progress', 'es', 'UTC', now(), now())
                """)
            async let response = fixture.post("/webhooks/twilio/voice?call=1", ["CallSid": "CA1"])
            await claimed.wait()
            try await server.restart(.immediate)
            // The claim may have been lost with the server: then the turn is worked on again.
            for _ in 0..<10 { release.open() }
            #expect(Spoken.said(try await response) == "Sigo aquí")
            let ended = try await client.query(
                "SELECT count(*) FROM finished_jobs WHERE kind = 'process_conversation' AND state = 'completed'")
            #expect(try #require(ended.first).decode(Int.self) == 1)
        }
        await client.close()
        await server.stop()
    }

    @Test("PostgreSQL comes back within the hold: the webhook waits for it and is kept")
    func comesBack() async throws {
        let server = try await PrivateServer.start(logger: IngressFixture.logger)
        let connectionString = try await server.createDatabase(named: "calls")
        let client = PostgresClient(
            PostgresConfiguration(connectionString: connectionString), logger: IngressFixture.logger)
        _ = try await Migrator(directory: TestDatabase.migrations, logger: IngressFixture.logger).up(client)
        try await client.query(
            """
            INSERT INTO calls (provider, provider_call_id, to_phone, status, language, timezone, dial_intent_at, started_at)
            VALUES ('twilio', 'CA1', '+525512345678', 'in_progress', 'es', 'UTC', now(), now())
            """)
        try await IngressFixture.with(hold: .seconds(25), connectionString: connectionString) { fixture in
            // Requests go on all through the restart: each must be kept.
            async let restart: Void = server.restart(.immediate)
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<20 {
                    group.addTask {
                        try await fixture.post(
                            "/webhooks/twilio/status?call=1",
                            ["CallSid": "CA1", "CallStatus": "ringing", "SequenceNumber": String(number)]
                        ).status
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            try await restart
            #expect(statuses == Array(repeating: 204, count: 20))
            let kept = try await client.query("SELECT count(*) FROM jobs WHERE kind = 'record_call_status'")
            #expect(try #require(kept.first).decode(Int.self) == 20)
        }
        await client.close()
        await server.stop()
    }
}
