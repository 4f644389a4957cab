import Calls
import HTTP
import Platform
import Postgres

/// `{"name", "arguments", "call_id"?}`: a tool to be run.
struct ToolCallRequest: Sendable, Hashable {
    static let keyHeader = "Idempotency-Key"
    static let maximumKeyBytes = 128

    var job: ExecuteTool
    /// The sender's; nil when it gave none.
    var idempotencyKey: String?

    init(_ request: HTTPServerRequest) throws(Problem) {
        guard request.mediaType == "application/json" else { throw .wrongContentType("application/json") }
        guard let body = try? request.json(), case .object(let members) = body else {
            throw .badRequest("the body is not a JSON object")
        }
        guard body.storable == body else { throw .badRequest("the body has the character NUL, which cannot be kept") }
        for member in members.keys where !["name", "arguments", "call_id"].contains(member) {
            throw .invalid(String(member.prefix(64)), "is not a field of this request")
        }
        job = ExecuteTool(
            name: try Self.name(members["name"]), arguments: try Self.arguments(members["arguments"]),
            callID: try Self.callID(members["call_id"]))
        idempotencyKey = try Self.key(request.headers[Self.keyHeader])
    }

    private static func name(_ value: JSON?) throws(Problem) -> String {
        guard let value, value != .null else { throw .invalid("name", "is missing") }
        guard let name = value.string, (1...64).contains(name.utf8.count) else {
            throw .invalid("name", "must be a string of 1 to 64 bytes")
        }
        return name
    }

    private static func arguments(_ value: JSON?) throws(Problem) -> JSON {
        guard let value, value != .null else { return [:] }
        guard case .object = value else { throw .invalid("arguments", "must be an object") }
        return value
    }

    private static func callID(_ value: JSON?) throws(Problem) -> Int64? {
        guard let value, value != .null else { return nil }
        guard let id = value.integer, id > 0 else { throw .invalid("call_id", "must be a positive integer") }
        return id
    }

    private static func key(_ value: String?) throws(Problem) -> String? {
        guard let value else { return nil }
        guard (1...maximumKeyBytes).contains(value.utf8.count), value.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else {
            throw .invalid(keyHeader, "must be 1 to \(maximumKeyBytes) visible ASCII characters")
        }
        return value
    }
}
