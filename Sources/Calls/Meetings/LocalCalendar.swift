public import FoundationEssentials

/// No calendar beside our own: availability comes from the business hours and the meetings table alone.
///
/// A reservation is all there is to a booking, so inserting, moving and cancelling always succeed and there is nothing to ask
/// afterwards. Guests are invited and told of changes by mail.
public struct LocalCalendar: Calendar {
    public let invitesGuests = false
    public let linksEvents = false

    public init() {}

    public func busy(from: Date, to: Date) async throws -> [Range<Date>] { [] }

    public func insert(_ event: CalendarEvent) async throws -> InsertedEvent {
        InsertedEvent(
            id: event.key, link: nil, startsAt: event.startsAt, endsAt: event.endsAt, isGuestInvited: false)
    }

    public func event(_ key: String) async throws -> InsertedEvent? { nil }

    public func move(_ key: String, to time: Range<Date>, zone: String) async throws -> InsertedEvent {
        InsertedEvent(
            id: key, link: nil, startsAt: time.lowerBound, endsAt: time.upperBound, isGuestInvited: false)
    }

    public func cancel(_ key: String) async throws {}
}
