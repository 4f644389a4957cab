public import FoundationEssentials
import Platform
public import Providers

/// Google Calendar as the place where meetings are kept.
///
/// An event is recognised as ours by the private property `operadora_key`, which repeats the key that we chose.
public struct GoogleCalendar: Calendar {
    private static let keyProperty = "operadora_key"
    private let client: GoogleCalendarClient

    public init(_ client: GoogleCalendarClient) { self.client = client }

    public var invitesGuests: Bool { client.actsAsUser }
    public let linksEvents = true

    public func busy(from: Date, to: Date) async throws -> [Range<Date>] {
        try await client.busy(from: from, to: to)
    }

    public func insert(_ event: CalendarEvent) async throws -> InsertedEvent {
        do {
            return try inserted(await client.insert(googleEvent(event, withGuest: true)), isGuestInvited: true)
        } catch let error as GoogleCalendarError where error.code == .forbiddenForServiceAccounts {
            // Without domain-wide delegation Google invites nobody: the guest gets an invitation by mail instead.
            return try await insertWithoutGuest(event)
        } catch let error as GoogleCalendarError where error.code == .conflict {
            return try await existing(event)
        } catch let error as GoogleCalendarError where error.isFinal {
            throw CalendarError.refused(error.description)
        }
    }

    public func event(_ key: String) async throws -> InsertedEvent? {
        guard let event = try await client.event(key) else {
            try await expectCalendar()
            return nil
        }
        guard event.privateProperties[Self.keyProperty] == key else { throw CalendarError.keyTaken(key) }
        return try inserted(event, isGuestInvited: !event.guestEmails.isEmpty)
    }

    public func move(_ key: String, to time: Range<Date>, zone: String) async throws -> InsertedEvent {
        do {
            let event = try await client.move(key, to: time, timezone: zone)
            // Google lets deleted events be changed; they stay deleted.
            guard !event.isCancelled else { throw CalendarError.gone(key) }
            return try inserted(event, isGuestInvited: !event.guestEmails.isEmpty)
        } catch let error as GoogleCalendarError where error.code == .deleted {
            throw CalendarError.gone(key)
        } catch let error as GoogleCalendarError where error.code == .notFound {
            try await expectCalendar()
            throw CalendarError.gone(key)
        } catch let error as GoogleCalendarError where error.isFinal {
            throw CalendarError.refused(error.description)
        }
    }

    public func cancel(_ key: String) async throws {
        do {
            try await client.delete(key)
        } catch let error as GoogleCalendarError where error.code == .notFound {
            try await expectCalendar()
        }
    }

    /// Google answers 404 also for a calendar that it does not know, or does not show to this account: only where the calendar
    /// itself answers is an event certainly not there. Throws when it does not.
    private func expectCalendar() async throws {
        let now = Date.now
        _ = try await client.busy(from: now, to: now.addingTimeInterval(60))
    }

    private func insertWithoutGuest(_ event: CalendarEvent) async throws -> InsertedEvent {
        do {
            return try inserted(await client.insert(googleEvent(event, withGuest: false)), isGuestInvited: false)
        } catch let error as GoogleCalendarError where error.code == .conflict {
            return try await existing(event)
        } catch let error as GoogleCalendarError where error.isFinal {
            throw CalendarError.refused(error.description)
        }
    }

    /// The id is taken: success only if by this very event.
    private func existing(_ event: CalendarEvent) async throws -> InsertedEvent {
        guard let found = try await self.event(event.key), !found.isCancelled, found.startsAt == event.startsAt,
            found.endsAt == event.endsAt
        else { throw CalendarError.keyTaken(event.key) }
        return found
    }

    private func googleEvent(_ event: CalendarEvent, withGuest: Bool) -> GoogleEvent {
        var google = GoogleEvent(
            id: event.key, summary: event.title, startsAt: event.startsAt, endsAt: event.endsAt,
            timezone: event.timezone)
        google.notes = event.notes
        google.privateProperties = [Self.keyProperty: event.key]
        if withGuest, let email = event.guestEmail { google.guests = [.init(email: email, name: event.guestName)] }
        return google
    }

    private func inserted(_ event: GoogleStoredEvent, isGuestInvited: Bool) throws -> InsertedEvent {
        guard let startsAt = event.startsAt, let endsAt = event.endsAt else {
            throw CalendarError.keyTaken(event.id)
        }
        return InsertedEvent(
            id: event.id, link: event.link, startsAt: startsAt, endsAt: endsAt, isCancelled: event.isCancelled,
            isGuestInvited: isGuestInvited)
    }
}

extension GoogleCalendarError {
    /// Certainly not done, and asking again soon will not help.
    fileprivate var isFinal: Bool {
        switch code {
        case .unauthenticated, .forbidden, .forbiddenForServiceAccounts, .notFound, .deleted, .invalid, .quotaExceeded:
            true
        case .conflict, .rateLimited, .unavailable, .maybeHappened, .invalidAnswer: false
        }
    }
}
