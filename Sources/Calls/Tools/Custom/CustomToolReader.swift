import Agents
import HTTP
import Platform

/// One entry of `tools`.
struct CustomToolReader {
    private static let methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    /// A custom tool sends what its file says to where its file says: the program's own secrets are not for it.
    private static let ownSecrets: Set = [
        "DATABASE_URL", "API_TOKENS", "TWILIO_AUTH_TOKEN", "OPENAI_API_KEY", "OPENAI_FALLBACK_API_KEY", "BAML_PASSWORD",
        "EMAIL_PASSWORD",
        "JOB_SEALING_KEYS", "TAVUS_API_KEY", "TAVUS_WEBHOOK_SECRET", "ASTERISK_PASSWORD",
    ]

    private(set) var fields: FieldReader
    private let secret: @Sendable (String) -> Secret?
    private let destinations: DestinationPolicy
    private var properties: Set<String> = []
    private var secrets: [String: Secret] = [:]

    init(
        _ fields: FieldReader, secret: @escaping @Sendable (String) -> Secret?, destinations: DestinationPolicy
    ) {
        self.fields = fields
        self.secret = secret
        self.destinations = destinations
    }

    /// Nil when anything is wrong; `fields.problems` says what.
    mutating func read() -> CustomToolDefinition? {
        guard fields.isObject else { return nil }
        if let id = fields.value("id"), id.string?.isEmpty != false { fields.report("id", "must be a text") }
        if fields.value("system") ?? false != false {
            fields.report("system", "must be false: system tools stand in system_tools")
        }
        let name = SystemToolReader.toolName(&fields)
        let description = fields.text("description", atMost: 1_024)
        let isEnabled = fields.flag("enabled", default: true)
        let parameters = parameters()
        let url = url()
        let method = method()
        let headers = headers()
        let body = fields.value("body").map { template($0, at: "body") }
        if body != nil, method == "GET" { fields.report("body", "cannot be sent with GET: set method to POST") }
        let result = result()
        let timeout = fields.number("timeout_seconds", default: 10, in: CustomToolDefinition.timeouts)
        let bytes = fields.number("maximum_response_bytes", default: 65_536, in: 1_024...1_048_576)
        let cached = fields.number("cache_seconds", default: 0, in: 0...3_600)
        if cached > 0, method != "GET" { fields.report("cache_seconds", "is for GET alone: what acts is not cached") }
        fields.refuseOthers()
        guard fields.problems.isEmpty, let name, let description, let url else { return nil }
        return CustomToolDefinition(
            tool: ToolDescription(name: name, description: description, parameters: parameters), isEnabled: isEnabled,
            method: method, url: url, headers: headers, body: body, result: result, timeout: .seconds(timeout),
            maximumResponseBytes: Int(bytes), cacheLifetime: cached > 0 ? .seconds(cached) : nil, secrets: secrets,
            version: Cryptography.sha256(fields.json.bytes).prefix(8).hexadecimal)
    }

    private mutating func parameters() -> JSON {
        let schema = fields.value("parameters") ?? ["type": "object", "properties": [:]]
        do {
            _ = try JSONSchema(schema)
        } catch {
            let place = error.place.dropFirst().replacing("/", with: ".")
            fields.report("parameters\(place)", error.problem)
        }
        if schema["type"] != "object" { fields.report("parameters.type", "must be object") }
        properties = Set((schema["properties"]?.object ?? [:]).keys)
        // Arguments that nobody declared would go into the query or the body, as if the file's author had put them there. What
        // schemas within this one declare, it does not know itself.
        guard let members = schema.object, Set(members.keys).isDisjoint(with: ["$ref", "allOf", "anyOf", "oneOf"])
        else {
            return schema
        }
        return .object(members.merging(["additionalProperties": false]) { own, _ in own })
    }

    private mutating func method() -> String {
        guard let value = fields.value("method") else { return "GET" }
        guard let method = value.string?.uppercased(), Self.methods.contains(method) else {
            fields.report("method", "must be \(Self.methods.alternatives)")
            return "GET"
        }
        return method
    }

    // MARK: the URL

    private mutating func url() -> TextTemplate? {
        guard let text = fields.text("url", atMost: 2_000), let template = template(text, at: "url") else { return nil }
        guard case .text(let start)? = template.parts.first, let scheme = start.firstRange(of: "://"),
            template.parts.count == 1 || start[scheme.upperBound...].contains(where: { "/?".contains($0) })
        else {
            fields.report(
                "url", "must begin with https:// or http:// and a host, in which there is no place for an argument")
            return nil
        }
        guard let url = WebURL(template.sample), !CustomToolRequest.climbs(template.sample) else {
            fields.report("url", "must be an http or https URL")
            return nil
        }
        if let objection = destinations.objection(to: url) {
            fields.report("url", "cannot be asked: \(objection); a host of your own is named in TOOLS_ALLOWED_HOSTS")
        }
        return template
    }

    // MARK: templates

    private mutating func headers() -> [(name: String, value: TextTemplate)] {
        guard let value = fields.value("headers") else { return [] }
        guard let members = value.object, members.count <= 32 else {
            fields.report("headers", "must be an object of at most 32 headers")
            return []
        }
        return members.sorted { $0.key < $1.key }.compactMap { (name, value) -> (name: String, value: TextTemplate)? in
            let place = "headers.\(name.prefix(64))"
            guard let text = value.string else {
                fields.report(place, "must be a text")
                return nil
            }
            guard HTTPHeaders.maySend(name, text) else {
                fields.report(place, "has characters that may not be sent")
                return nil
            }
            return template(text, at: place).map { (name, $0) }
        }
    }

    private mutating func template(_ text: String, at place: String) -> TextTemplate? {
        do {
            let template = try TextTemplate(text)
            for name in template.arguments where !properties.contains(name) {
                fields.report(place, "has a place for {\(name)}, which parameters.properties does not have")
            }
            for name in template.secrets { resolve(name, place) }
            return template
        } catch {
            fields.report(place, error.problem)
            return nil
        }
    }

    private mutating func resolve(_ name: String, _ place: String) {
        if Self.ownSecrets.contains(name) {
            fields.report(place, "may not use \(name), which is the program's own: give the tool a secret of its own")
        } else if let value = secret(name) {
            secrets[name] = value
        } else {
            fields.report(place, "refers to \(name), which is not set: set that environment variable")
        }
    }

    private mutating func template(_ json: JSON, at place: String) -> JSONTemplate {
        switch json {
        case .string(let text): return template(text, at: place).map { .text($0) } ?? .value(json)
        case .array(let elements):
            return .array(elements.enumerated().map { template($1, at: "\(place)[\($0)]") })
        case .object(let members):
            var filled: [String: JSONTemplate] = [:]
            for (name, value) in members.sorted(by: { $0.key < $1.key }) {
                filled[name] = template(value, at: "\(place).\(name.prefix(64))")
            }
            return .object(filled)
        case .null, .bool, .integer, .number: return .value(json)
        }
    }

    // MARK: the result

    private mutating func result() -> ResultMapping? {
        switch fields.value("result") {
        case nil: return nil
        case .string(let text)?: return path(text, at: "result").map { .place($0) }
        case .object(let members)? where !members.isEmpty:
            var places: [String: JSONPath] = [:]
            for (name, value) in members.sorted(by: { $0.key < $1.key }) {
                places[name] = path(value.string ?? "", at: "result.\(name.prefix(64))")
            }
            return .places(places)
        default:
            fields.report("result", "must be a path such as $.data.name, or an object of names with paths")
            return nil
        }
    }

    private mutating func path(_ text: String, at place: String) -> JSONPath? {
        let path = JSONPath(text)
        if path == nil { fields.report(place, "must be a path such as $.customers[0].name") }
        return path
    }
}
