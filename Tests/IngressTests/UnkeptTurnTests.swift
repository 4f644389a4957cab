import Calls
import HTTP
import Jobs
import Platform
import Postgres
import TestSupport
import Testing

/// A turn's job is enqueued without waiting for the disk.
@Suite("What a crash of PostgreSQL undoes", .timeLimit(.minutes(2)))
struct UnkeptTurnTests {
    private let form: FormFields = ["CallSid": "CA1", "CallStatus": "in-progress"]

    /// A server on which nothing gets to the disk unless somebody waits for it, but for once in ten seconds.
    private func withLazyServer(
        hold: Duration, _ body: (PrivateServer, PostgresClient, IngressFixture) async throws -> Void
    ) async throws {
        let server = try await PrivateServer.start(
            settings: ["wal_writer_delay": "10s"], logger: IngressFixture.logger)
        let connectionString = try await server.createDatabase(named: "calls")
        let client = PostgresClient(
            PostgresConfiguration(connectionString: connectionString), logger: IngressFixture.logger)
        _ = try await Migrator(directory: TestDatabase.migrations, logger: IngressFixture.logger).up(client)
        try await IngressFixture.with(hold: hold, connectionString: connectionString) { fixture in
            try await body(server, client, fixture)
        }
        await client.close()
        await server.stop()
    }

    private func makeCall(_ client: PostgresClient) async throws -> Int64 {
        let rows = try await client.query(
            """
            INSERT INTO calls (provider, provider_call_id, to_phone, status, language, timezone, dial_intent_at, started_at)
            VALUES ('twilio', 'CA1', '+525512345678', 'in_progress', 'es', 'UTC', now(), now()) RETURNING id
            """)
        return try #require(rows.first).decode(Int64.self)
    }

    /// The job of a turn, as soon as there is one that is not `other`.
    private func job(_ client: PostgresClient, not other: String = "") async throws -> (id: JobID, enqueued: String) {
        var found: (JobID, String)?
        let isThere = try await eventually {
            let rows = try? await client.query(
                "SELECT id, enqueued_at::text FROM jobs WHERE enqueued_at::text <> \(other)")
            found = try rows?.first?.decode(JobID.self, String.self)
            return found != nil
        }
        try #require(isThere)
        return try #require(found)
    }

    @Test("A turn that was undone while its caller waits is taken again")
    func undone() async throws {
        try await withLazyServer(hold: .seconds(14)) { server, client, fixture in
            let call = try await makeCall(client)
            async let response = fixture.post("/webhooks/twilio/voice?call=\(call)", form)
            let first = try await job(client)
            try await server.restart(.immediate)
            let second = try await job(client, not: first.enqueued)
            // As a person would: the caller need not hear more of it.
            try await client.query("SELECT cancel_job(\(second.id))")
            let text = try await response.text
            #expect(text.hasSuffix("<Response><Hangup/></Response>"))
        }
    }

    @Test("A turn whose caller was told to wait is on the disk")
    func kept() async throws {
        try await withLazyServer(hold: .milliseconds(300)) { server, client, fixture in
            let call = try await makeCall(client)
            let filler = try await fixture.post("/webhooks/twilio/voice?call=\(call)", form)
            let taken = try await job(client)
            #expect(Spoken.redirect(filler)?.contains("job=\(taken.id)") == true)
            try await server.restart(.immediate)
            let after = try await job(client)
            #expect(after == taken)
        }
    }

    @Test("A stored answer that is repeated is on the disk")
    func repeated() async throws {
        try await withLazyServer(hold: .seconds(2)) { server, client, fixture in
            let call = try await makeCall(client)
            try await client.batch([
                "SET LOCAL synchronous_commit = off",
                """
                INSERT INTO turns (call_id, number, role, content, in_reply_to)
                VALUES (\(call), 1, 'agent', 'Hola', 1)
                """,
            ])
            let answer = try await fixture.post("/webhooks/twilio/voice?call=\(call)", form)
            #expect(Spoken.said(answer) == "Hola")
            try await server.restart(.immediate)
            let again = try await fixture.post("/webhooks/twilio/voice?call=\(call)", form)
            #expect(again.body == answer.body)
        }
    }

    @Test("The answer to another turn, whose job has the id of one that was undone, is not spoken")
    func othersAnswer() async throws {
        try await IngressFixture.with { fixture in
            let call = try await fixture.makeCall()
            let client = fixture.database.client
            async let response = fixture.post("/webhooks/twilio/voice?call=\(call)", form)
            let first = try await job(client)
            // As the crash would leave it, and the work of another call under the same id.
            try await client.batch([
                "DELETE FROM jobs WHERE id = \(first.id)",
                """
                INSERT INTO finished_jobs (id, enqueued_at, run_at, state, priority, attempt, max_attempts, rescues, kind,
                    queue, unique_key, arguments, result)
                VALUES (\(first.id), now(), now(), 'completed', 1, 1, 1, 0, 'process_conversation', 'turns', 'turn:99:1',
                    '{}', '{"say": "Not for you", "language": "en", "next_turn": 2, "ends_call": false}')
                """,
            ])
            let second = try await job(client, not: first.enqueued)
            _ = try await fixture.queue.cancel(second.id)
            let text = try await response.text
            #expect(text.hasSuffix("<Response><Hangup/></Response>"))
        }
    }
}
