import Platform

/// A refusal in the shape of Google's Calendar API:
/// `{"error":{"errors":[{"domain","reason","message"}],"code","message"}}`.
struct GoogleError: Error {
    var status: Int
    var reason: String
    var message: String
    var domain = "global"
    /// Which parameter or header it is about, and where that stands.
    var location: (type: String, name: String)?

    init(_ status: Int, _ reason: String, _ message: String) {
        self.status = status
        self.reason = reason
        self.message = message
    }

    var json: JSON {
        var detail: [String: JSON] = [
            "domain": .string(domain), "reason": .string(reason), "message": .string(message),
        ]
        if let location {
            detail["locationType"] = .string(location.type)
            detail["location"] = .string(location.name)
        }
        return [
            "error": [
                "errors": [.object(detail)], "code": .integer(Int64(status)), "message": .string(message),
            ]
        ]
    }
}

extension GoogleError {
    static let loginRequired = GoogleError(401, "required", "Login Required.", at: "Authorization")
    static let wrongToken = GoogleError(401, "authError", "Invalid Credentials", at: "Authorization")
    static let scope = GoogleError(
        403, "insufficientPermissions", "Request had insufficient authentication scopes.")
    static let notJSON = GoogleError(400, "parseError", "Parse Error")
    static let notFound = GoogleError(404, "notFound", "Not Found")
    static let duplicate = GoogleError(409, "duplicate", "The requested identifier already exists.")
    static let deleted = GoogleError(410, "deleted", "Resource has been deleted")
    static let conditionNotMet = GoogleError(412, "conditionNotMet", "Precondition Failed", at: "If-Match")
    static let emptyRange = GoogleError(400, "timeRangeEmpty", "The specified time range is empty.")

    /// What Google answers when a service account without domain-wide delegation invites somebody.
    static let attendees: GoogleError = {
        var error = GoogleError(
            403, "forbiddenForServiceAccounts",
            "Service accounts cannot invite attendees without Domain-Wide Delegation of Authority.")
        error.domain = "calendar"
        return error
    }()

    /// What Google answers when the calendar is shared for reading alone.
    ///
    /// As quoted in github.com/spatie/laravel-google-calendar/issues/95.
    static let writerAccess: GoogleError = {
        var error = GoogleError(403, "requiredAccessLevel", "You need to have writer access to this calendar.")
        error.domain = "calendar"
        return error
    }()

    static func required(_ what: String) -> GoogleError { GoogleError(400, "required", "Missing \(what).") }

    static func invalid(_ message: String, parameter: String? = nil) -> GoogleError {
        var error = GoogleError(400, parameter == nil ? "invalid" : "invalidParameter", message)
        error.location = parameter.map { ("parameter", $0) }
        return error
    }

    static func unknownField(_ name: String) -> GoogleError {
        GoogleError(
            400, "badRequest", "Invalid JSON payload received. Unknown name \"\(name)\": Cannot find field.")
    }

    private init(_ status: Int, _ reason: String, _ message: String, at header: String) {
        self.init(status, reason, message)
        location = ("header", header)
    }
}

/// A refusal of the token endpoint: RFC 6749, section 5.2.
struct TokenError: Error {
    var status = 400
    var error: String
    var description: String

    init(_ error: String, _ description: String, status: Int = 400) {
        self.error = error
        self.description = description
        self.status = status
    }

    var json: JSON { ["error": .string(error), "error_description": .string(description)] }
}
