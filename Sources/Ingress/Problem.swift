import HTTP
import Platform

/// A request that is not answered as its sender wished: problem details of RFC 9457, with the field that is wrong.
struct Problem: Error, Sendable, Hashable {
    var status: Int
    var title: String
    /// One sentence: what is wrong with which thing, and what would be right.
    var detail: String
    /// The name of a form field, query parameter or header.
    var field: String?
    var headers: [String: String] = [:]

    static func notFound(_ path: String) -> Problem {
        Problem(
            status: 404, title: "Not Found",
            detail: "there is nothing at \(path.prefix(200)); /openapi.json lists what there is")
    }

    static func wrongMethod(_ methods: [String]) -> Problem {
        let allowed = methods.joined(separator: ", ")
        return Problem(
            status: 405, title: "Method Not Allowed", detail: "this path takes \(allowed)", headers: ["Allow": allowed])
    }

    static func badRequest(_ reason: String, field: String? = nil) -> Problem {
        Problem(status: 400, title: "Bad Request", detail: reason, field: field)
    }

    static func wrongContentType(_ wanted: String) -> Problem {
        badRequest("the body must be \(wanted)", field: "Content-Type")
    }

    static func unauthorized(_ reason: String) -> Problem {
        Problem(
            status: 401, title: "Unauthorized", detail: reason, field: "Authorization",
            headers: ["WWW-Authenticate": "Bearer"])
    }

    static func tooMany(_ what: String) -> Problem {
        Problem(
            status: 429, title: "Too Many Requests", detail: "\(what); nothing was kept of this one",
            headers: ["Retry-After": "1"])
    }

    static func badSignature(_ reason: String) -> Problem {
        Problem(status: 403, title: "Forbidden", detail: reason, field: "X-Twilio-Signature")
    }

    static func invalid(_ field: String, _ reason: String) -> Problem {
        Problem(status: 422, title: "Unprocessable Content", detail: "\(field) \(reason)", field: field)
    }

    static func unknownCall(_ field: String) -> Problem {
        Problem(status: 404, title: "Not Found", detail: "\(field) names no call that we know", field: field)
    }

    /// Nothing was committed: the same request is welcome again.
    static let unavailable = Problem(
        status: 503, title: "Service Unavailable", detail: "the database is away; nothing was kept of this request",
        headers: ["Retry-After": "5"])

    /// Something may have been committed.
    static let late = Problem(
        status: 503, title: "Service Unavailable",
        detail: "the request was not answered in time; it may have been kept, and is run once for its Idempotency-Key",
        headers: ["Retry-After": "5"])

    var response: HTTPServerResponse {
        var body: JSON = [
            "type": "about:blank", "title": .string(title), "status": .integer(Int64(status)),
            "detail": .string(detail),
        ]
        if let field, case .object(var members) = body {
            members["errors"] = [["field": .string(field), "detail": .string(detail)]]
            body = .object(members)
        }
        var response = HTTPServerResponse.json(body, status: status)
        response.headers["Content-Type"] = "application/problem+json"
        for (name, value) in headers { response.headers[name] = value }
        return response
    }
}
