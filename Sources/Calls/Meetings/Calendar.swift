public import FoundationEssentials

/// Where meetings are kept. Every method throws when the calendar cannot say: an error is never "free".
public protocol Calendar: Sendable {
    /// Whether it can invite guests by itself, and then tells them of changes.
    var invitesGuests: Bool { get }

    /// Whether each of its events has a link: by that its meetings are told from those of the provider that was configured before.
    var linksEvents: Bool { get }

    /// What is taken between these instants, in order.
    func busy(from: Date, to: Date) async throws -> [Range<Date>]

    /// Makes the event under `event.key`. When the answer was lost it throws; `event(_:)` then tells what became of it.
    /// An event that is there already under this key is returned when it is the same one, else `CalendarError.keyTaken`.
    func insert(_ event: CalendarEvent) async throws -> InsertedEvent

    /// The event with this key, or nil when the calendar is there and has none. A cancelled one is returned as such.
    func event(_ key: String) async throws -> InsertedEvent?

    /// Moves the event and tells its guests. Doing it again does no harm. When the answer was lost it throws; `event(_:)`
    /// then tells what became of it. Throws `CalendarError.gone` when there is no such event, or it was deleted.
    ///
    /// - Parameter zone: IANA name of the zone that the calendar shows it in.
    func move(_ key: String, to time: Range<Date>, zone: String) async throws -> InsertedEvent

    /// Deletes the event and tells its guests; one that is gone already is no error. Doing it again does no harm.
    func cancel(_ key: String) async throws
}

/// A meeting as the calendar should hold it.
public struct CalendarEvent: Sendable, Hashable {
    /// The event's id, chosen by us: [a-v0-9], 5 to 1024 characters.
    public var key: String
    public var title: String
    public var startsAt: Date
    public var endsAt: Date
    /// IANA name of the zone that the calendar shows it in.
    public var timezone: String
    public var guestName: String?
    public var guestEmail: String?
    public var notes: String?

    public init(
        key: String, title: String, startsAt: Date, endsAt: Date, timezone: String, guestName: String? = nil,
        guestEmail: String? = nil, notes: String? = nil
    ) {
        self.key = key
        self.title = title
        self.startsAt = startsAt
        self.endsAt = endsAt
        self.timezone = timezone
        self.guestName = guestName
        self.guestEmail = guestEmail
        self.notes = notes
    }
}

/// A meeting as the calendar holds it.
public struct InsertedEvent: Sendable, Hashable {
    public var id: String
    public var link: String?
    public var startsAt: Date
    public var endsAt: Date
    public var isCancelled: Bool
    /// False when the calendar could not invite the guest, who then needs an invitation by mail.
    public var isGuestInvited: Bool

    public init(
        id: String, link: String?, startsAt: Date, endsAt: Date, isCancelled: Bool = false, isGuestInvited: Bool = true
    ) {
        self.id = id
        self.link = link
        self.startsAt = startsAt
        self.endsAt = endsAt
        self.isCancelled = isCancelled
        self.isGuestInvited = isGuestInvited
    }
}

public enum CalendarError: Error, Sendable, Hashable {
    /// The key belongs to another or a deleted event.
    case keyTaken(String)
    /// The calendar refused for good; the message is safe to log.
    case refused(String)
    /// There is no such event any more.
    case gone(String)
}
