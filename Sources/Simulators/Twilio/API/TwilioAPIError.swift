import Platform

/// A refusal in the shape of Twilio's REST API: `{"code","message","more_info","status"}`.
///
/// Codes: https://www.twilio.com/docs/api/errors.
struct TwilioAPIError: Error {
    var status = 400
    var code: Int
    var message: String

    init(_ code: Int, _ message: String, status: Int = 400) {
        self.code = code
        self.message = message
        self.status = status
    }

    var json: JSON {
        [
            "code": .integer(Int64(code)), "message": .string(message),
            "more_info": .string("https://www.twilio.com/docs/errors/\(code)"), "status": .integer(Int64(status)),
        ]
    }

    static let authenticate = TwilioAPIError(20003, "Authenticate", status: 401)

    static func notFound(_ path: String) -> TwilioAPIError {
        TwilioAPIError(20404, "The requested resource \(path) was not found", status: 404)
    }

    static func methodNotAllowed(_ path: String) -> TwilioAPIError {
        TwilioAPIError(20004, "Method not allowed", status: 405)
    }

    static func invalid(_ parameter: String, _ value: String) -> TwilioAPIError {
        TwilioAPIError(20001, "Invalid parameter: \(parameter) \(value)")
    }
}
