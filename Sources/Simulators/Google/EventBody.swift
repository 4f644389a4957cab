import FoundationEssentials
import Platform

/// The body of an event that is to be inserted, read as strictly as Google reads it.
///
/// Fields: `schemas.Event` of `calendar.v3.json` in the package `google-api-python-client`.
struct EventBody {
    /// A start or an end.
    struct Moment: Sendable, Hashable {
        var date: Date
        var json: JSON
    }

    var id: String?
    var start: Moment
    var end: Moment
    var attendees: [JSON]
    /// As it was sent.
    var fields: [String: JSON]

    private static let fields: Set<String> = [
        "anyoneCanAddSelf", "attachments", "attendees", "attendeesOmitted", "birthdayProperties", "colorId",
        "conferenceData", "created", "creator", "description", "end", "endTimeUnspecified", "etag", "eventType",
        "extendedProperties", "focusTimeProperties", "gadget", "guestsCanInviteOthers", "guestsCanModify",
        "guestsCanSeeOtherGuests", "hangoutLink", "htmlLink", "iCalUID", "id", "kind", "location", "locked",
        "organizer", "originalStartTime", "outOfOfficeProperties", "privateCopy", "recurrence", "recurringEventId",
        "reminders", "sequence", "source", "start", "status", "summary", "transparency", "updated", "visibility",
        "workingLocationProperties",
    ]

    /// - Parameter zone: of the calendar, for times that name none.
    init(_ json: JSON, zone: Zone) throws(GoogleError) {
        guard let fields = json.object else { throw .notJSON }
        if let unknown = fields.keys.sorted().first(where: { !Self.fields.contains($0) }) {
            throw .unknownField(unknown)
        }
        self.fields = fields
        id = try Self.identifier(fields["id"])
        start = try Self.moment(fields["start"], "start", zone)
        end = try Self.moment(fields["end"], "end", zone)
        guard (start.json["date"] == nil) == (end.json["date"] == nil) else {
            throw .invalid("Start and end times must either both be date or both be dateTime.")
        }
        guard start.date < end.date else { throw .emptyRange }
        attendees = try Self.attendees(fields["attendees"])
        try Self.checkText(fields)
        try Self.checkReminders(fields["reminders"])
    }

    /// 5 … 1,024 characters of base32hex: a to v and digits.
    static func identifier(_ value: JSON?) throws(GoogleError) -> String? {
        guard let value, !value.isNull else { return nil }
        let isValid =
            value.string.map { id in
                (5...1_024).contains(id.utf8.count)
                    && id.utf8.allSatisfy { (0x61...0x76).contains($0) || (0x30...0x39).contains($0) }
            } ?? false
        guard isValid else { throw .invalid("Invalid resource id value.") }
        return value.string
    }

    private static func moment(_ value: JSON?, _ name: String, _ calendarZone: Zone) throws(GoogleError) -> Moment {
        guard let value, let members = value.object else { throw .required("\(name) time") }
        if let unknown = members.keys.sorted().first(where: { !["date", "dateTime", "timeZone"].contains($0) }) {
            throw .unknownField("\(name).\(unknown)")
        }
        var zone: Zone?
        if let named = members["timeZone"], !named.isNull {
            zone = named.string.flatMap(Zone.init(identifier:))
            guard zone != nil else { throw .invalid("Invalid time zone definition for \(name) time.") }
        }
        switch (members["date"]?.string, members["dateTime"]?.string) {
        case (let day?, nil):
            guard let day = Timestamp.parseDay(day) else { throw .invalid("Invalid value for: Invalid format") }
            return Moment(date: calendarZone.date(of: day), json: value)
        case (nil, let text?):
            guard let parsed = Timestamp.parse(text) else { throw .invalid("Invalid value for: Invalid format") }
            guard let date = parsed.date(in: zone) else { throw .required("time zone definition for \(name) time") }
            let json: JSON = [
                "dateTime": .string(Timestamp.rfc3339(date, in: calendarZone)),
                "timeZone": .string((zone ?? calendarZone).identifier),
            ]
            return Moment(date: date, json: json)
        default: throw .required("\(name) time")
        }
    }

    private static func attendees(_ value: JSON?) throws(GoogleError) -> [JSON] {
        guard let value, !value.isNull else { return [] }
        guard let attendees = value.array, attendees.count <= 200 else { throw .invalid("Invalid attendees.") }
        for attendee in attendees {
            guard let address = attendee["email"]?.string else { throw .required("attendee email") }
            guard emailAddress(in: address) == address else { throw .invalid("Invalid attendee email.") }
        }
        return attendees
    }

    private static func checkText(_ fields: [String: JSON]) throws(GoogleError) {
        for name in ["summary", "description", "location"] {
            guard let value = fields[name], !value.isNull else { continue }
            guard let text = value.string else { throw .notJSON }
            guard text.utf8.count <= 8_192 else { throw .invalid("The \(name) is too long.") }
        }
        if let status = fields["status"]?.string, !["confirmed", "tentative", "cancelled"].contains(status) {
            throw .invalid("Invalid status value.")
        }
    }

    /// At most five overrides, each by e-mail or popup, at most four weeks before the start.
    private static func checkReminders(_ value: JSON?) throws(GoogleError) {
        guard let value, !value.isNull else { return }
        let overrides = value["overrides"]?.array ?? []
        if value["useDefault"]?.bool == true, !overrides.isEmpty {
            throw GoogleError(
                400, "cannotUseDefaultRemindersAndSpecifyOverride",
                "Cannot specify both default reminders and overrides at the same time.")
        }
        for reminder in overrides {
            guard ["email", "popup"].contains(reminder["method"]?.string) else {
                throw .invalid("Invalid reminder method.")
            }
            guard let minutes = reminder["minutes"]?.integer, (0...40_320).contains(minutes) else {
                throw .invalid("Invalid reminder minutes.")
            }
        }
        guard overrides.count <= 5 else { throw .invalid("Too many reminder overrides.") }
    }
}
