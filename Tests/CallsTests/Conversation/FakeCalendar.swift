import FoundationEssentials
import Synchronization

@testable import Calls

/// A calendar in memory, with faults to switch on.
final class FakeCalendar: Calls.Calendar {
    enum Fault: Sendable, Hashable {
        /// The event is made and the answer is lost.
        case loseAnswer
        /// Nothing is made and no answer comes.
        case fail
        case refuse
        case uninvited
        /// The worker dies here: nothing is made.
        case dieBefore
        /// The worker dies here: the event is made.
        case dieAfter
    }

    struct Lost: Error {}

    private struct State {
        var events: [String: InsertedEvent] = [:]
        var busy: [Range<Date>] = []
        var faults: [Fault] = []
        var isAway = false
        var insertions = 0
    }

    private let state = Mutex(State())
    private let deaths = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))

    /// Events that stand in the calendar.
    var events: [InsertedEvent] { state.withLock { Array($0.events.values) } }
    var insertions: Int { state.withLock { $0.insertions } }

    /// The faults of the next insertions, one each.
    func fail(_ faults: Fault...) { state.withLock { $0.faults = faults } }
    func setAway(_ isAway: Bool) { state.withLock { $0.isAway = isAway } }
    func setBusy(_ busy: [Range<Date>]) { state.withLock { $0.busy = busy } }

    /// Returns when an insertion has come to its death.
    func death() async { for await _ in deaths.stream { return } }

    func busy(from: Date, to: Date) async throws -> [Range<Date>] {
        try state.withLock { state in
            if state.isAway { throw Lost() }
            return state.busy + state.events.values.map { $0.startsAt..<$0.endsAt }
        }
    }

    func insert(_ event: CalendarEvent) async throws -> InsertedEvent {
        let fault = state.withLock { $0.faults.isEmpty ? nil : $0.faults.removeFirst() }
        switch fault {
        case .fail: throw Lost()
        case .refuse: throw CalendarError.refused("no")
        case .dieBefore: try await die()
        case .dieAfter:
            _ = try add(event, isGuestInvited: true)
            try await die()
        case .loseAnswer:
            _ = try add(event, isGuestInvited: true)
            throw Lost()
        case .uninvited, nil: break
        }
        return try add(event, isGuestInvited: fault != .uninvited)
    }

    func event(_ key: String) async throws -> InsertedEvent? {
        try state.withLock { state in
            if state.isAway { throw Lost() }
            return state.events[key]
        }
    }

    private func add(_ event: CalendarEvent, isGuestInvited: Bool) throws -> InsertedEvent {
        try state.withLock { state in
            if state.isAway { throw Lost() }
            if let there = state.events[event.key] { return there }
            let made = InsertedEvent(
                id: event.key, link: "https://calendar.example/\(event.key)", startsAt: event.startsAt,
                endsAt: event.endsAt,
                isGuestInvited: isGuestInvited)
            state.events[event.key] = made
            state.insertions += 1
            return made
        }
    }

    /// Waits to be cancelled, as a process waits to be killed.
    private func die() async throws {
        deaths.continuation.yield()
        try await Task.sleep(for: .seconds(600))
    }
}
