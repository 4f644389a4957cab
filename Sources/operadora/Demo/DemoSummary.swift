import FoundationEssentials
import Platform
import Postgres
import Simulators

/// What a demo's campaign came to.
struct DemoSummary: Sendable {
    var leads = 0
    var calls = 0
    var byOutcome: [String: JSON] = [:]
    /// Each an object with starts_at, guest_name, guest_email, title and calendar_event_id.
    var meetings: [JSON] = []
    var turns = 0
    /// Calls that did not come to their end.
    var unfinishedCalls = 0
    /// From the launch to the end of the last call.
    var duration = Duration.zero
    /// What we add to each turn: from webhook to answer, less the model's own time.
    var overheads: [Duration] = []

    /// Reads what stands in the database: the numbers are what the documented queries return.
    static func read(_ client: PostgresClient, twilio: SimulatedTwilio) async throws -> DemoSummary {
        var summary = DemoSummary()
        let counts = try await client.query(
            """
            SELECT (SELECT count(*) FROM leads), (SELECT count(*) FROM calls), (SELECT count(*) FROM turns),
                (SELECT count(*) FROM calls WHERE status NOT IN ('ended', 'uncertain') OR outcome IS NULL),
                (SELECT extract(epoch FROM max(ended_at) - min(created_at))::double precision FROM calls),
                (SELECT coalesce(jsonb_object_agg(outcome, number), '{}') FROM (
                    SELECT outcome, count(*) AS number FROM calls
                    WHERE outcome IS NOT NULL GROUP BY outcome) AS counted)
            """)
        if let row = counts.first {
            let (leads, calls, turns, unfinished, seconds, byOutcome) = try row.decode(
                Int.self, Int.self, Int.self, Int.self, Double?.self, JSON.self)
            (summary.leads, summary.calls, summary.turns) = (leads, calls, turns)
            (summary.unfinishedCalls, summary.duration) = (unfinished, .seconds(seconds ?? 0))
            summary.byOutcome = byOutcome.object ?? [:]
        }
        summary.meetings = try await client.query(
            """
            SELECT jsonb_build_object('starts_at', starts_at, 'guest_name', guest_name, 'guest_email', guest_email,
                'title', title, 'calendar_event_id', calendar_event_id)
            FROM meetings WHERE calendar_event_id IS NOT NULL ORDER BY starts_at, id
            """
        ).map { try $0.decode(JSON.self) }
        summary.overheads = try await overheads(client, twilio)
        return summary
    }

    /// Pairs each turn's webhooks, as the telephone provider measured them, with the model's time for that turn.
    private static func overheads(_ client: PostgresClient, _ twilio: SimulatedTwilio) async throws -> [Duration] {
        var modelTimes: [Turn: Duration] = [:]
        for row in try await client.query("SELECT call_id, in_reply_to, model_ms FROM turns WHERE role = 'agent'") {
            let (call, turn, milliseconds) = try row.decode(Int64.self, Int.self, Double.self)
            modelTimes[Turn(call: call, number: turn)] = .seconds(milliseconds / 1_000)
        }
        var roundTrips: [Turn: Duration] = [:]
        for webhook in twilio.calls.flatMap(\.webhooks) where webhook.kind != .status && webhook.status == 200 {
            guard !webhook.isDuplicate, let turn = Turn(webhook.url) else { continue }
            roundTrips[turn, default: .zero] += webhook.roundTrip
        }
        return roundTrips.compactMap { turn, roundTrip in modelTimes[turn].map { max(.zero, roundTrip - $0) } }.sorted()
    }

    private struct Turn: Hashable {
        let call: Int64
        let number: Int

        init(call: Int64, number: Int) {
            self.call = call
            self.number = number
        }

        /// The first webhook of a call asks for its first turn, without naming it.
        init?(_ url: String) {
            guard let query = URLComponents(string: url)?.queryItems,
                let call = query.first(where: { $0.name == "call" })?.value.flatMap({ Int64($0) })
            else { return nil }
            self.init(call: call, number: query.first { $0.name == "turn" }?.value.flatMap { Int($0) } ?? 1)
        }
    }

    /// The duration that this share of the turns does not exceed.
    func overhead(percentile: Int) -> Duration? {
        guard !overheads.isEmpty else { return nil }
        return overheads[min(overheads.count - 1, overheads.count * percentile / 100)]
    }
}

extension DemoSummary {
    /// - Parameter database: where it can be queried; nil when it is gone.
    func json(database: String?, shell: String?) -> JSON {
        func milliseconds(_ percentile: Int) -> JSON {
            overhead(percentile: percentile).map { .number(($0.inMilliseconds * 100).rounded() / 100) } ?? .null
        }
        return [
            "leads": .integer(Int64(leads)), "calls": .integer(Int64(calls)), "by_outcome": .object(byOutcome),
            "meetings": .integer(Int64(meetings.count)), "turns": .integer(Int64(turns)),
            "unfinished_calls": .integer(Int64(unfinishedCalls)),
            "seconds": .number((duration.inSeconds * 100).rounded() / 100),
            "overhead": ["p50": milliseconds(50), "p99": milliseconds(99), "unit": "ms"],
            "database": database.map { .string($0) } ?? .null, "environment": shell.map { .string($0) } ?? .null,
        ]
    }

    /// The funnel, the meetings and what they took.
    func text(width: Int?) -> String {
        var sections = ["\(leads) leads, \(calls) calls, \(turns) turns in \(Int(duration.inSeconds.rounded())) s"]
        sections.append("What came of the calls:\n" + CampaignFunnel.text(ofOutcomes: byOutcome))
        if unfinishedCalls > 0 { sections.append("\(unfinishedCalls) calls did not come to their end.") }
        sections.append(meetingsText(width))
        if let median = overhead(percentile: 50), let worst = overhead(percentile: 99) {
            sections.append(
                "Added to the model's own time, per turn: p50 \(rounded(median)) ms, p99 \(rounded(worst)) ms.")
        }
        return sections.joined(separator: "\n\n")
    }

    private func meetingsText(_ width: Int?) -> String {
        guard !meetings.isEmpty else { return "No meeting was booked." }
        let shown = 12
        var table = Table(["starts_at", "guest_name", "guest_email", "calendar_event_id"].map { .init($0) })
        for meeting in meetings.prefix(shown) {
            table.add(table.columns.map { OutputOptions.cell(meeting[$0.title]) })
        }
        let rest = meetings.count > shown ? "\n… and \(meetings.count - shown) more" : ""
        let noun = meetings.count == 1 ? "meeting" : "meetings"
        return "\(meetings.count) \(noun) in the calendar:\n\(table.text(width: width))\(rest)"
    }

    private func rounded(_ duration: Duration) -> String { "\((duration.inMilliseconds * 10).rounded() / 10)" }
}
