import FoundationEssentials
import Platform

/// Looks for free times in the calendar and in our own meetings.
struct SlotFinder: Sendable {
    private let services: CallServices
    private let records: MeetingRecords
    private let businessZone: Zone
    /// The database's clock.
    let now: Date
    /// In minutes.
    let duration: Int

    /// Meetings are held at most so far ahead.
    static let horizonDays = 60
    /// Nobody is to be surprised by a meeting.
    static let leastNotice: TimeInterval = 30 * 60
    /// Days beyond the wanted ones are asked of the calendar in pieces of this length.
    private static let step: TimeInterval = 14 * 86_400

    init(_ services: CallServices, now: Date, duration: Int) {
        self.services = services
        self.records = MeetingRecords(services)
        self.businessZone = Zone(identifier: services.settings.businessTimezone) ?? .utc
        self.now = now
        self.duration = duration
    }

    /// The last instant at which a meeting may start.
    var horizon: Date {
        businessZone.date(of: businessZone.civilTime(at: now).startOfDay(adding: Self.horizonDays + 1))
    }

    var earliest: Date { now.addingTimeInterval(Self.leastNotice) }

    struct Findings: Sendable, Hashable {
        var slots: [Range<Date>]
        /// False when the windows had none and these are the next ones after them.
        var areWanted: Bool
    }

    /// Free slots in the windows; when there are none, the next ones after them, up to the horizon. Throws when the calendar
    /// or the database cannot say.
    func find(_ windows: [Range<Date>], count: Int, inOrder: Bool = false, zone: Zone) async throws -> Findings {
        guard let first = windows.first, let last = windows.last else { return Findings(slots: [], areWanted: true) }
        let wanted = max(first.lowerBound, earliest)..<max(last.upperBound, earliest)
        let free = try await slots(in: wanted)
        let found = windows.flatMap(free.starting)
        if !found.isEmpty {
            let chosen = inOrder ? Array(found.prefix(count)) : FreeSlots.choice(of: count, from: found, zone: zone)
            return Findings(slots: chosen, areWanted: true)
        }
        return Findings(slots: try await next(after: wanted.upperBound, count: count), areWanted: false)
    }

    /// The next free slots from an instant on.
    func next(after start: Date, count: Int) async throws -> [Range<Date>] {
        var found: [Range<Date>] = []
        var start = max(start, earliest)
        while start < horizon, found.count < count {
            let end = min(horizon, start.addingTimeInterval(Self.step))
            found += try await slots(in: start..<end).starting(in: start..<end)
            start = end
        }
        return Array(found.prefix(count))
    }

    /// Whether a slot is open and free by the calendar and by our own meetings; `meeting`, which is to be moved there, is not
    /// in its own way.
    func isFree(_ slot: Range<Date>, for meeting: Meeting? = nil) async throws -> Bool {
        try await slots(in: slot, for: meeting).contains(slot)
    }

    func isOpen(_ slot: Range<Date>) -> Bool { free(busy: []).isOpen(slot) }

    private func slots(in range: Range<Date>, for meeting: Meeting? = nil) async throws -> FreeSlots {
        // A meeting that starts before the end of the range may go on after it.
        let end = range.upperBound.addingTimeInterval(Double(duration * 60))
        async let calendar = services.calendar.busy(from: range.lowerBound, to: end)
        async let ours = records.taken(from: range.lowerBound, to: end, besides: meeting?.id)
        let taken = try await calendar
        let others = meeting.map { own in taken.flatMap { Self.rest(of: $0, without: own.time) } } ?? taken
        return free(busy: try await others + ours)
    }

    /// The calendar tells of the meeting as of any other, and merges it with its neighbours.
    private static func rest(of busy: Range<Date>, without own: Range<Date>) -> [Range<Date>] {
        guard busy.overlaps(own) else { return [busy] }
        let before = busy.lowerBound..<max(busy.lowerBound, own.lowerBound)
        let after = min(busy.upperBound, own.upperBound)..<busy.upperBound
        return [before, after].filter { !$0.isEmpty }
    }

    private func free(busy: [Range<Date>]) -> FreeSlots {
        FreeSlots(
            hours: services.settings.businessHours, zone: businessZone, duration: duration, earliest: earliest,
            busy: busy)
    }
}
