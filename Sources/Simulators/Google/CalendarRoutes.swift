import HTTP

/// The Calendar API's paths under `/calendar/v3`.
enum CalendarRoute: Hashable {
    case freeBusy
    case insert(calendar: String)
    case list(calendar: String)
    case get(calendar: String, event: String)
    case patch(calendar: String, event: String)
    case update(calendar: String, event: String)
    case delete(calendar: String, event: String)

    /// Nil when the API has no such method and path.
    init?(_ request: HTTPServerRequest) {
        let prefix = "/calendar/v3/"
        guard request.path.hasPrefix(prefix) else { return nil }
        let parts = request.path.dropFirst(prefix.count).split(separator: "/").map(String.init)
        switch (request.method, parts.count, parts.first, parts.count > 2 ? parts[2] : nil) {
        case ("POST", 1, "freeBusy", _): self = .freeBusy
        case ("POST", 3, "calendars", "events"): self = .insert(calendar: parts[1])
        case ("GET", 3, "calendars", "events"): self = .list(calendar: parts[1])
        case ("GET", 4, "calendars", "events"): self = .get(calendar: parts[1], event: parts[3])
        case ("PATCH", 4, "calendars", "events"): self = .patch(calendar: parts[1], event: parts[3])
        case ("PUT", 4, "calendars", "events"): self = .update(calendar: parts[1], event: parts[3])
        case ("DELETE", 4, "calendars", "events"): self = .delete(calendar: parts[1], event: parts[3])
        default: return nil
        }
    }

    var operation: SimulatedOperation {
        switch self {
        case .freeBusy: .freeBusy
        case .insert: .insertEvent
        case .list: .listEvents
        case .get: .getEvent
        case .patch, .update: .patchEvent
        case .delete: .deleteEvent
        }
    }

    /// The calendar in which it changes something.
    var changedCalendar: String? {
        switch self {
        case .insert(let calendar), .patch(let calendar, _), .update(let calendar, _), .delete(let calendar, _):
            calendar
        case .freeBusy, .list, .get: nil
        }
    }

    func isAllowed(_ grant: TokenGrant) -> Bool {
        switch self {
        case .freeBusy: grant.mayAskFreeBusy
        case .get, .list: grant.mayRead
        case .insert, .patch, .update, .delete: grant.mayWrite
        }
    }

    /// `sendUpdates` tells guests; refuses a value or a parameter that the method does not know.
    ///
    /// Parameters: `resources.events.methods` of `calendar.v3.json` in the package `google-api-python-client`.
    func sendUpdates(_ query: FormFields) throws(GoogleError) -> String? {
        var known: Set<String> = ["sendUpdates", "sendNotifications", "fields", "alt", "prettyPrint"]
        switch self {
        case .insert: known.formUnion(["conferenceDataVersion", "maxAttendees", "supportsAttachments"])
        case .patch, .update:
            known.formUnion(["conferenceDataVersion", "maxAttendees", "supportsAttachments", "alwaysIncludeEmail"])
        case .freeBusy, .list, .get, .delete: break
        }
        if let unknown = query.fields.first(where: { !known.contains($0.name) }) { throw .unknownField(unknown.name) }
        guard let value = query["sendUpdates"] else { return nil }
        guard ["all", "externalOnly", "none"].contains(value) else {
            throw .invalid(
                "Invalid value '\(value)'. Allowed values: [all, externalOnly, none]", parameter: "sendUpdates")
        }
        return value
    }
}
