public import Agents
import FoundationEssentials
import Platform
import Postgres

/// What one scripted caller's call came to, read from the database, and what is wrong with it.
public struct EvaluatedCall: Sendable {
    public struct Turn: Sendable, Hashable {
        public var isAgents: Bool
        public var text: String
    }

    /// The caller's.
    public var name: String
    public var callID: Int64
    /// `calls.outcome`; nil when it was not written.
    public var outcome: String?
    /// When the confirmed meetings begin, in the caller's zone, ISO 8601.
    public var meetings: [String]
    public var turns: [Turn]
    public var promptTokens: Int
    public var completionTokens: Int
    public var took: Duration
    /// How the model's work ended, each time that it was asked in the conversation.
    public var stops: [AgentStop]
    /// Empty when the caller got what was agreed.
    public var problems: [String]

    public var isPassed: Bool { problems.isEmpty }
    /// Why there was no answer, where the model never gave one and it is not for what it was told to do.
    public var silence: AgentStop? {
        guard stops.allSatisfy(\.isFailure) else { return nil }
        return stops.last { stop in
            switch stop {
            case .modelFailed, .outOfTime: true
            default: false
            }
        }
    }
}

extension EvaluatedCall {
    struct Booking: Sendable {
        var startsAt: Date
        var guestEmail: String?
    }

    /// What the rows of a call say.
    struct Facts: Sendable {
        var startedAt: Date
        var outcome: String?
        var isDoNotCall: Bool
        /// Of the last look into the calendar that found any before the booking.
        var offered: [Date]
        var bookings: [Booking]
        /// Turns in which the model gave no answer.
        var failures: Int
    }

    static func load(
        _ callID: Int64, _ script: CallerScript, language: String, _ services: CallServices, took: Duration,
        stops: [AgentStop]
    ) async throws -> EvaluatedCall {
        let results = try await services.postgres.batch([
            "SELECT started_at, outcome, do_not_call_requested FROM calls WHERE id = \(callID)",
            """
            SELECT role = 'agent', content, prompt_tokens, completion_tokens
            FROM turns WHERE call_id = \(callID) ORDER BY number
            """,
            "SELECT starts_at, guest_email FROM meetings WHERE call_id = \(callID) AND status = 'confirmed' ORDER BY id",
            """
            SELECT coalesce(result -> 'available_slots', '[]') FROM tool_calls
            WHERE call_id = \(callID) AND name = \(CheckAvailabilityTool.name) AND success AND id < coalesce((
                SELECT min(id) FROM tool_calls
                WHERE call_id = \(callID) AND name = \(BookMeetingTool.name) AND success), id + 1)
            ORDER BY id DESC LIMIT 1
            """,
        ])
        let (startedAt, outcome, isDoNotCall) = try results[0][0].decode(Date.self, String?.self, Bool.self)
        let turns = try results[1].map { try $0.decode(Bool.self, String.self, Int.self, Int.self) }
        let bookings = try results[2].map { row in
            let (startsAt, guestEmail) = try row.decode(Date.self, String?.self)
            return Booking(startsAt: startsAt, guestEmail: guestEmail)
        }
        let offered = try results[3].map { try $0.decode(JSON.self) }.flatMap { $0.array ?? [] }
        let facts = Facts(
            startedAt: startedAt, outcome: outcome, isDoNotCall: isDoNotCall,
            offered: offered.compactMap { $0["datetime"]?.string.flatMap { try? Date($0, strategy: .iso8601) } },
            bookings: bookings, failures: stops.count(where: \.isFailure))
        let zone = Zone(identifier: script.lead.timezone) ?? .utc
        return EvaluatedCall(
            name: script.name, callID: callID, outcome: outcome, meetings: bookings.map { zone.iso8601($0.startsAt) },
            turns: turns.map { Turn(isAgents: $0.0, text: $0.1) }, promptTokens: turns.map(\.2).reduce(0, +),
            completionTokens: turns.map(\.3).reduce(0, +), took: took, stops: stops,
            problems: script.expectation.problems(facts, language, zone))
    }
}

extension CallerScript.Expectation {
    /// What of it does not hold.
    func problems(_ facts: EvaluatedCall.Facts, _ language: String, _ zone: Zone) -> [String] {
        var problems = meeting.map { self.problems(of: $0, facts, language, zone) } ?? []
        if let outcomes, !outcomes.contains(facts.outcome ?? "") {
            problems.append(
                "the outcome is \(facts.outcome ?? "not written"), not \(outcomes.joined(separator: " or "))")
        }
        if let isDoNotCall, facts.isDoNotCall != isDoNotCall {
            problems.append(
                isDoNotCall
                    ? "the wish never to be called again was not written" : "a wish never to be called was written")
        }
        // Whatever else came of it: the caller heard an apology, and what was agreed is luck.
        if facts.failures > 0 {
            problems.append("the model gave no answer in \(facts.failures) \(facts.failures == 1 ? "turn" : "turns")")
        }
        return problems
    }

    private func problems(
        of meeting: Meeting, _ facts: EvaluatedCall.Facts, _ language: String, _ zone: Zone
    ) -> [String] {
        switch (meeting, facts.bookings.first) {
        case (.none, nil): return []
        case (.none, let booking?):
            return ["a meeting was booked for \(zone.iso8601(booking.startsAt)), and none was agreed"]
        case (.booked, nil): return ["no meeting was booked"]
        case (.booked(let time, let guestEmail), let booking?):
            var problems = problem(of: time, booking, facts, language, zone).map { [$0] } ?? []
            if let guestEmail, booking.guestEmail?.lowercased() != guestEmail.lowercased() {
                problems.append("the guest is \(booking.guestEmail ?? "nobody"), not \(guestEmail)")
            }
            return problems
        }
    }

    private func problem(
        of time: Time, _ booking: EvaluatedCall.Booking, _ facts: EvaluatedCall.Facts, _ language: String, _ zone: Zone
    ) -> String? {
        let agreed: Date?
        switch time {
        case .any: return nil
        case .offered(let number): agreed = facts.offered.dropFirst(number - 1).first
        case .at(let words):
            let dates = SpokenDates(language: language, zone: zone, now: facts.startedAt)
            agreed = (try? dates.understand(words))?.instant(in: zone)
        }
        let booked = "the meeting was booked for \(zone.iso8601(booking.startsAt))"
        guard let agreed else { return "\(booked), and there is no such time as was to be agreed" }
        return agreed == booking.startsAt ? nil : "\(booked), not for \(zone.iso8601(agreed))"
    }
}
