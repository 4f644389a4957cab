import Foundation
import Postgres
import Simulators
import TestSupport
import Testing

/// The promises of the product, checked against what the providers saw and what the tables say.
struct Invariants {
    let rig: Rig
    let campaign: Campaign
    /// False when meetings are kept in the table alone.
    var areMeetingsInGoogle = true
    /// How often each number is to be dialled; once where nothing is said.
    var dials: [String: Int] = [:]

    func check() async throws {
        try await theLinesAreQuiet()
        try await everyCallHasEnded()
        try await nobodyIsDialledTwice()
        try await everyTurnIsAnsweredOnce()
        try await everyMeetingIsBookedOnce()
        try await onlyWhatIsCommittedIsClaimed()
        try await nothingAcknowledgedIsLost()
        try await noSlotIsLeft()
        try await noJobFailedButByKills()
        try await whoeverAsksIsNeverCalledAgain()
    }

    private func count(_ query: PostgresQuery) async throws -> Int {
        try await rig.client.query(query)[0].decode(Int.self)
    }

    /// A call has its outcome before the last of its webhooks is answered, and its last words may be stored after that.
    private func theLinesAreQuiet() async throws {
        let areQuiet = try await eventually(within: .seconds(60)) {
            let isAnyoneOnTheLine = rig.providers.twilio.unfinishedCalls > 0
            let turns = try await count("SELECT count(*) FROM jobs WHERE kind = 'process_conversation'")
            return !isAnyoneOnTheLine && turns == 0
        }
        #expect(areQuiet, "no caller is left on the line, and no turn without its end")
    }

    private func everyCallHasEnded() async throws {
        let open = try await count(
            """
            SELECT count(*) FROM calls WHERE campaign_id = \(campaign.id)
                AND (status NOT IN ('ended', 'uncertain') OR outcome IS NULL OR ended_at IS NULL)
            """)
        #expect(open == 0, "every call is final and has an outcome")
    }

    private func nobodyIsDialledTwice() async throws {
        let dialled = rig.providers.twilio.callsByNumber
        let wrong = dialled.filter { $0.value != dials[$0.key, default: 1] }
        #expect(wrong.isEmpty, "no number is dialled more often than it is to be")
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

    /// What a callee said into a webhook that was answered with 2xx is a turn under the number that the webhook names,
    /// whatever the answer was: the next words, a filler, a goodbye. No turn is made of anything else.
    private func nothingAcknowledgedIsLost() async throws {
        let calls = rig.providers.twilio.calls
        let stored = try await utterances(
            """
            SELECT provider_call_id, number, content FROM turns JOIN calls ON calls.id = call_id
            WHERE role = 'caller' AND provider_call_id IS NOT NULL
            """)
        let lost = Set(calls.flatMap(\.acknowledged)).subtracting(stored)
        #expect(lost.isEmpty, "what was acknowledged is a turn")
        #expect(stored.subtracting(calls.flatMap(\.spoken)).isEmpty, "every turn of a caller was said, in that turn")
        let mixed = calls.map(\.spokenTurns).filter { turns in zip(turns, turns.dropFirst()).contains { $0 >= $1 } }
        #expect(mixed.isEmpty, "each utterance has a number of its own, in the order of speaking")
    }

    private func utterances(_ query: PostgresQuery) async throws -> Set<SpokenTurn> {
        let rows = try await rig.client.query(query).map { try $0.decode(String.self, Int.self, String.self) }
        return Set(rows.map { SpokenTurn(sid: $0.0, turn: $0.1, words: $0.2) })
    }

    /// As the network heard it, as it dialled, and as another launch would.
    private func whoeverAsksIsNeverCalledAgain() async throws {
        let calls = rig.providers.twilio.calls
        let asking = calls.filter { $0.callee.kind == .neverCallAgain && !$0.spoken.isEmpty }
        let acknowledged = asking.filter { !$0.acknowledged.isEmpty }
        let entered = try await Dictionary(
            uniqueKeysWithValues: rig.client.query("SELECT phone, created_at FROM do_not_call").map {
                try $0.decode(String.self, Date.self)
            })
        #expect(Set(acknowledged.map(\.person)).isSubset(of: entered.keys), "whoever asked is in do_not_call")
        #expect(Set(entered.keys).isSubset(of: asking.map(\.person)), "nobody else is")

        let late = calls.filter { call in
            call.direction != "inbound" && entered[call.to].map { call.created > $0 } ?? false
        }
        #expect(late.isEmpty, "nobody is dialled after asking")
        let intended = try await count(
            """
            SELECT count(*) FROM calls JOIN do_not_call ON phone = to_phone
            WHERE direction = 'outbound' AND dial_intent_at > do_not_call.created_at
            """)
        #expect(intended == 0, "nor is it intended")
        let enqueued = try await rig.client.query(
            "SELECT enqueue_call(leads.id) FROM leads JOIN do_not_call USING (phone)"
        ).compactMap { row -> Int64? in try row.decode(Int64?.self) }
        #expect(enqueued.isEmpty, "nor is another call to them enqueued")
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
