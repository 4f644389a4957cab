import Calls
import HTTP
import Jobs
import Platform
import Postgres
import TestSupport
import Testing

@Suite("Calls to our number")
struct InboundTests {
    private func voice(_ sid: String, from: String) -> FormFields {
        ["CallSid": sid, "From": from, "To": "+15550000001", "Direction": "inbound", "CallStatus": "ringing"]
    }

    private func prepare(_ fixture: IngressFixture, inboundNumber: String?) async throws -> (
        campaign: Int64, lead: Int64
    ) {
        let campaign = try await fixture.database.client.query(
            """
            INSERT INTO campaigns (name, status, language, timezone, inbound_number)
            VALUES ('Ventas', 'running', 'pt', 'America/Sao_Paulo', \(inboundNumber)) RETURNING id
            """
        ).first?.decode(Int64.self)
        let lead = try await fixture.database.client.query(
            """
            INSERT INTO leads (campaign_id, name, phone, language) VALUES (\(campaign), 'Ana', '+525512345678', 'es')
            RETURNING id
            """
        ).first?.decode(Int64.self)
        return (try #require(campaign), try #require(lead))
    }

    private func call(_ fixture: IngressFixture, sid: String) async throws -> (
        id: Int64, campaign: Int64?, lead: Int64?, status: String, language: String, timezone: String
    ) {
        let rows = try await fixture.database.client.query(
            """
            SELECT id, campaign_id, lead_id, status, language, timezone FROM calls
            WHERE direction = 'inbound' AND provider_call_id = \(sid)
            """)
        #expect(rows.count == 1)
        let row = try #require(rows.first)
        return try row.decode(Int64.self, Int64?.self, Int64?.self, String.self, String.self, String.self)
    }

    @Test("A call to a campaign's number is its lead's, in the lead's language, and asks for the first turn")
    func campaignNumber() async throws {
        try await IngressFixture.with(handler: converse) { fixture in
            let known = try await prepare(fixture, inboundNumber: "+15550000001")
            let response = try await fixture.post("/webhooks/twilio/voice", voice("CA7", from: "+525512345678"))
            #expect(Spoken.said(response) == "Hola, turno 1")
            let made = try await call(fixture, sid: "CA7")
            #expect(made.campaign == known.campaign)
            #expect(made.lead == known.lead)
            #expect(made.status == "in_progress")
            #expect(made.language == "es")
            #expect(made.timezone == "America/Sao_Paulo")
            let work = try await fixture.jobs(ProcessConversation.kind)
            #expect(work.map { $0["call_id"]?.integer } == [made.id])
            #expect(work[0]["turn"]?.integer == 1)
        }
    }

    @Test("Repeated at the same time, it is one call and one turn")
    func repeats() async throws {
        try await IngressFixture.with(handler: converse) { fixture in
            _ = try await prepare(fixture, inboundNumber: "+15550000001")
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        try await fixture.post("/webhooks/twilio/voice", voice("CA7", from: "+525512345678")).status
                    }
                }
                for try await status in group { #expect(status == 200) }
            }
            _ = try await call(fixture, sid: "CA7")
            #expect(try await fixture.jobs(ProcessConversation.kind).count == 1)
        }
    }

    @Test("A stranger's call without a campaign is in the configured language and zone")
    func stranger() async throws {
        try await IngressFixture.with(handler: converse) { fixture in
            _ = try await fixture.post("/webhooks/twilio/voice", voice("CA8", from: "anonymous"))
            let made = try await call(fixture, sid: "CA8")
            #expect(made.campaign == nil)
            #expect(made.lead == nil)
            #expect(made.language == "es")
            #expect(made.timezone == "America/Mexico_City")
        }
    }

    @Test("Who calls back belongs to the campaign that dialled them, and is not dialled again")
    func callsBack() async throws {
        try await IngressFixture.with(handler: converse) { fixture in
            let known = try await prepare(fixture, inboundNumber: nil)
            try await fixture.database.client.query(
                """
                INSERT INTO calls (campaign_id, lead_id, provider, provider_call_id, from_phone, to_phone, status, language,
                    timezone, dial_intent_at, started_at, ended_at, finalized_at)
                VALUES (\(known.campaign), \(known.lead), 'twilio', 'CA1', '+15550000001', '+525512345678', 'ended', 'es',
                    'UTC', now(), now(), now(), now())
                """)
            try await fixture.database.client.query("SELECT enqueue_call(\(known.lead), now() + interval '1 hour')")
            _ = try await fixture.post("/webhooks/twilio/voice", voice("CA9", from: "+525512345678"))
            let made = try await call(fixture, sid: "CA9")
            #expect(made.campaign == known.campaign)
            #expect(made.lead == known.lead)
            let waiting = try await fixture.database.client.query(
                "SELECT count(*) FROM calls WHERE lead_id = \(known.lead) AND status = 'queued'")
            #expect(try #require(waiting.first).decode(Int.self) == 0)
            let dials = try await fixture.database.client.query(
                "SELECT count(*) FROM jobs WHERE kind = 'initiate_call'")
            #expect(try #require(dials.first).decode(Int.self) == 0)
        }
    }

    @Test("Who is being dialled at that moment is answered all the same")
    func crossing() async throws {
        try await IngressFixture.with(handler: converse) { fixture in
            let known = try await prepare(fixture, inboundNumber: "+15550000001")
            try await fixture.database.client.query(
                """
                INSERT INTO calls (campaign_id, lead_id, provider, provider_call_id, from_phone, to_phone, status, language,
                    timezone, dial_intent_at, started_at)
                VALUES (\(known.campaign), \(known.lead), 'twilio', 'CA1', '+15550000001', '+525512345678', 'ringing', 'es',
                    'UTC', now(), now())
                """)
            let response = try await fixture.post("/webhooks/twilio/voice", voice("CA9", from: "+525512345678"))
            #expect(Spoken.said(response) == "Hola, turno 1")
            let made = try await call(fixture, sid: "CA9")
            #expect(made.campaign == known.campaign)
            #expect(made.lead == nil, "a lead has one call at a time")
        }
    }
}
