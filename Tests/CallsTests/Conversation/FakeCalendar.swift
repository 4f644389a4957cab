import FoundationEssentials
import Synchronization
import TestSupport

@testable import Calls

/// A calendar in memory, with faults to switch on.
final class FakeCalendar: Calls.Calendar {
    enum Fault: Sendable, Hashable {
        /// It is done and the answer is lost.
        case loseAnswer
        /// Nothing is done and no answer comes.
        case fail
        case refuse
        /// It is done, the answer is lost, and the calendar cannot be read from then on.
        case loseAnswerAndReading
        case uninvited
        /// It is done, and refused, when the test says so.
        case doLate, refuseLate
        /// It is done at once, and the answer is lost when the test says so.
        case loseAnswerLate
        /// The worker dies here: nothing is done.
        case dieBefore
        /// The worker dies here: it is done.
        case dieAfter
    }

    struct Lost: Error {}

    private struct State {
        var events: [String: InsertedEvent] = [:]
        var busy: [Range<Date>] = []
        var faults: [Fault] = []
        var isAway = false
        /// Of events; all else is answered.
        var isUnreadable = false
        var insertions = 0
        var moves = 0
        var moveRequests = 0
        var cancellations = 0
    }

    private let state = Mutex(State())
    let invitesGuests = true
    let linksEvents = true
    private let deaths = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    private let holds = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    private let releases = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))

    /// Events that stand in the calendar.
    var events: [InsertedEvent] { state.withLock { $0.events.values.filter { !$0.isCancelled } } }
    var insertions: Int { state.withLock { $0.insertions } }
    /// How often an event came to stand at another time.
    var moves: Int { state.withLock { $0.moves } }
    /// How often it was asked to move one: at each its guests are told.
    var moveRequests: Int { state.withLock { $0.moveRequests } }
    var cancellations: Int { state.withLock { $0.cancellations } }

    /// The faults of the next insertions, moves and cancellations, one each.
    func fail(_ faults: Fault...) { fail(faults) }
    func fail(_ faults: [Fault]) { state.withLock { $0.faults = faults } }
    func setUnreadable(_ isUnreadable: Bool) { state.withLock { $0.isUnreadable = isUnreadable } }
    func setAway(_ isAway: Bool) { state.withLock { $0.isAway = isAway } }
    func setBusy(_ busy: [Range<Date>]) { state.withLock { $0.busy = busy } }

    /// Returns when one of them has come to its death.
    func death() async { for await _ in deaths.stream { return } }

    /// Returns when one of them is held.
    func held() async { for await _ in holds.stream { return } }
    func release() { releases.continuation.yield() }

    func busy(from: Date, to: Date) async throws -> [Range<Date>] {
        try state.withLock { state in
            if state.isAway { throw Lost() }
            return state.busy + state.events.values.filter { !$0.isCancelled }.map { $0.startsAt..<$0.endsAt }
        }
    }

    func insert(_ event: CalendarEvent) async throws -> InsertedEvent {
        try await change { state, fault in
            if let there = state.events[event.key] { return there }
            let made = InsertedEvent(
                id: event.key, link: "https://calendar.example/\(event.key)", startsAt: event.startsAt,
                endsAt: event.endsAt, isGuestInvited: fault != .uninvited)
            state.events[event.key] = made
            state.insertions += 1
            return made
        }
    }

    func event(_ key: String) async throws -> InsertedEvent? {
        try state.withLock { state in
            if state.isAway || state.isUnreadable { throw Lost() }
            return state.events[key]
        }
    }

    func move(_ key: String, to time: Range<Date>, zone: String) async throws -> InsertedEvent {
        state.withLock { $0.moveRequests += 1 }
        return try await change { state, _ in
            guard var event = state.events[key], !event.isCancelled else { throw CalendarError.gone(key) }
            if event.startsAt != time.lowerBound || event.endsAt != time.upperBound { state.moves += 1 }
            (event.startsAt, event.endsAt) = (time.lowerBound, time.upperBound)
            state.events[key] = event
            return event
        }
    }

    func cancel(_ key: String) async throws {
        try await change { state, _ in
            guard state.events[key]?.isCancelled == false else { return }
            state.events[key]?.isCancelled = true
            state.cancellations += 1
        }
    }

    private func nextFault() -> Fault? { state.withLock { $0.faults.isEmpty ? nil : $0.faults.removeFirst() } }

    /// Does what was asked for, or what the next fault makes of it.
    private func change<Value: Sendable>(
        _ body: @escaping @Sendable (inout State, Fault?) throws -> Value
    ) async throws -> Value {
        let fault = nextFault()
        let done = { @Sendable in
            try self.state.withLock { state in
                if state.isAway { throw Lost() }
                return try body(&state, fault)
            }
        }
        switch fault {
        case .fail: throw Lost()
        case .refuse: throw CalendarError.refused("no")
        case .loseAnswerLate:
            _ = try done()
            await hold()
            throw Lost()
        case .refuseLate:
            await hold()
            throw CalendarError.refused("no")
        case .doLate: await hold()
        case .dieBefore: try await die()
        case .dieAfter:
            _ = try done()
            try await die()
        case .loseAnswer, .loseAnswerAndReading:
            _ = try done()
            setUnreadable(fault == .loseAnswerAndReading)
            throw Lost()
        case .uninvited, nil: break
        }
        return try done()
    }

    private func hold() async {
        holds.continuation.yield()
        for await _ in releases.stream { return }
    }

    /// Waits to be cancelled, as a process waits to be killed.
    private func die() async throws {
        deaths.continuation.yield()
        await untilCancelled()
        throw CancellationError()
    }
}
