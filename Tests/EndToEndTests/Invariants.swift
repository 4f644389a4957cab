import Postgres
import Simulators
import Testing

/// The promises of the product, checked against what the providers saw and what the tables say.
struct Invariants {
    let rig: Rig
    let campaign: Campaign
    /// False when meetings are kept in the table alone.
    var areMeetingsInGoogle = true

    func check() async throws {
        try await everyCallHasEnded()
        try await nobodyIsDialledTwice()
        try await everyTurnIsAnsweredOnce()
        try await everyMeetingIsBookedOnce()
        try await onlyWhatIsCommittedIsClaimed()
        try await nothingAcknowledgedIsLost()
        try await noSlotIsLeft()
        try await noJobFailedButByKills()
    }

    private func count(_ query: PostgresQuery) async throws -> Int {
        try await rig.client.query(query)[0].decode(Int.self)
    }

    private func everyCallHasEnded() async throws {
        let open = try await count(
            """
            SELECT count(*) FROM calls WHERE campaign_id = \(campaign.id)
                AND (status NOT IN ('ended', 'uncertain') OR outcome IS NULL OR ended_at IS NULL)
            """)
        #expect(open == 0, "every call is final and has an outcome")
        #expect(rig.providers.twilio.unfinishedCalls == 0, "no caller is left on the line")
    }

    private func nobodyIsDialledTwice() async throws {
        let dialled = rig.providers.twilio.callsByNumber
        #expect(dialled.values.allSatisfy { $0 == 1 }, "\(dialled.filter { $0.value > 1 }.keys.sorted())")
        let known = try await rig.client.query("SELECT provider_call_id FROM calls WHERE provider_call_id IS NOT NULL")
            .map { try $0.decode(String.self) }
        #expect(Set(known).count == known.count)
        let uncertain = try await count("SELECT count(*) FROM calls WHERE status = 'uncertain'")
        #expect(rig.providers.twilio.callCount - known.count <= uncertain, "a dialled call is known, or is uncertain")
    }

    private func everyTurnIsAnsweredOnce() async throws {
        #expect(rig.providers.twilio.mismatches.isEmpty, "a repeated webhook gets the same answer")
        let gaps = try await count(
            """
            SELECT count(*) FROM (
                SELECT number - row_number() OVER (PARTITION BY call_id ORDER BY number) AS gap FROM turns) AS numbered
            WHERE gap <> 0
            """)
        #expect(gaps == 0, "turns are numbered from 1 without a gap")
    }

    private func everyMeetingIsBookedOnce() async throws {
        #expect(rig.providers.google.overlaps().isEmpty, "no two events stand in each other's time")
        let events = rig.providers.google.events().filter { !$0.isCancelled }.map(\.id).sorted()
        let confirmed = try await rig.client.query(
            "SELECT calendar_event_id FROM meetings WHERE status = 'confirmed' ORDER BY 1"
        ).map { try $0.decode(String.self) }
        if areMeetingsInGoogle {
            #expect(
                events == confirmed.sorted(), "each event is a confirmed meeting, and each confirmed meeting an event")
        }
        let overlaps = try await count(
            """
            SELECT count(*) FROM meetings AS one JOIN meetings AS other ON one.id < other.id
            WHERE one.status = 'confirmed' AND other.status = 'confirmed'
                AND (one.starts_at, one.ends_at) OVERLAPS (other.starts_at, other.ends_at)
            """)
        #expect(overlaps == 0, "no two meetings stand in each other's time")
        let perCall = try await count(
            """
            SELECT count(*) FROM (SELECT call_id FROM meetings WHERE status = 'confirmed'
                GROUP BY call_id HAVING count(*) > 1) AS twice
            """)
        #expect(perCall == 0, "no call has two meetings")
        let open = try await count("SELECT count(*) FROM meetings WHERE status = 'reserved'")
        #expect(open == 0, "no reservation is left hanging")
    }

    private func onlyWhatIsCommittedIsClaimed() async throws {
        let wrong = try await count(
            """
            SELECT count(*) FROM calls WHERE (outcome = 'meeting_scheduled') IS DISTINCT FROM
                EXISTS (SELECT FROM meetings WHERE call_id = calls.id AND status = 'confirmed')
            """)
        #expect(wrong == 0, "the outcome is meeting_scheduled exactly when a meeting is confirmed")
    }

    /// Whatever a caller said into a webhook that was answered with 2xx stands in `turns`.
    private func nothingAcknowledgedIsLost() async throws {
        let stored = try await rig.client.query(
            """
            SELECT provider_call_id, content FROM turns JOIN calls ON calls.id = call_id
            WHERE role = 'caller' AND provider_call_id IS NOT NULL
            """
        ).map { try $0.decode(String.self, String.self) }
        let said = Set(stored.map { "\($0.0) \($0.1)" })
        let lost = rig.providers.twilio.calls.flatMap { call in
            call.webhooks.filter { $0.kind == .turn && $0.status == 200 && $0.answer?.contains("<Gather") == true }
                .compactMap { $0.parameters["SpeechResult"] }.filter { !said.contains("\(call.sid) \($0)") }
        }
        #expect(lost.isEmpty)
    }

    /// Unless a job of the call still runs, which releases them.
    private func noSlotIsLeft() async throws {
        let held = try await count(
            """
            SELECT count(*) FROM job_slots WHERE holder LIKE 'call:%'
                AND NOT EXISTS (SELECT FROM jobs WHERE jobs.holder = job_slots.holder)
            """)
        #expect(held == 0, "no call holds a slot after its end")
    }

    /// A job whose worker is killed three times in a row ends, as it must; the call is reconciled. Nothing else may fail.
    private func noJobFailedButByKills() async throws {
        let failed = try await rig.client.query(
            """
            SELECT kind, error FROM finished_jobs
            WHERE state = 'failed' AND error IS DISTINCT FROM 'its worker was lost three times in a row' LIMIT 5
            """
        ).map { try $0.decode(String.self, String?.self) }
        #expect(failed.isEmpty)
    }
}
