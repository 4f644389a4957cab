import Calls
import FoundationEssentials
import Synchronization

/// A calendar that holds what the test puts into it.
final class HeldCalendar: Calls.Calendar {
    struct Away: Error {}
    let invitesGuests = true
    let linksEvents = false
    private let state = Mutex((events: [String: InsertedEvent](), errors: [String: any Error](), isAway: false))

    func put(_ key: String, _ event: InsertedEvent) { state.withLock { $0.events[key] = event } }
    func setAway(_ isAway: Bool) { state.withLock { $0.isAway = isAway } }
    /// What comes of asking for the event with that key.
    func fail(_ key: String, with error: any Error) { state.withLock { $0.errors[key] = error } }

    func busy(from: Date, to: Date) async throws -> [Range<Date>] { [] }
    func insert(_ event: CalendarEvent) async throws -> InsertedEvent { throw Away() }
    func event(_ key: String) async throws -> InsertedEvent? {
        try state.withLock { state in
            if state.isAway { throw Away() }
            if let error = state.errors[key] { throw error }
            return state.events[key]
        }
    }

    func move(_ key: String, to time: Range<Date>, zone: String) async throws -> InsertedEvent {
        try state.withLock { state in
            if state.isAway { throw Away() }
            guard var event = state.events[key], !event.isCancelled else { throw CalendarError.gone(key) }
            (event.startsAt, event.endsAt) = (time.lowerBound, time.upperBound)
            state.events[key] = event
            return event
        }
    }

    func cancel(_ key: String) async throws {
        try state.withLock { state in
            if state.isAway { throw Away() }
            state.events[key]?.isCancelled = true
        }
    }
}

final class FakeMailer: Mailer {
    struct Refused: Error {}
    private let state = Mutex((sent: [Email](), refusals: 0))

    var sent: [Email] { state.withLock { $0.sent } }
    func refuseNext(_ count: Int) { state.withLock { $0.refusals = count } }

    func send(_ email: Email) async throws {
        try state.withLock { state in
            if state.refusals > 0 {
                state.refusals -= 1
                throw Refused()
            }
            state.sent.append(email)
        }
    }
}
