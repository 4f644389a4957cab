import Agents
import HTTP
import Platform

/// The request that a custom tool makes of a model's arguments.
enum CustomToolRequest {
    /// Throws `ToolError` when an argument cannot stand where it has its place.
    static func make(_ tool: CustomToolDefinition, _ arguments: JSON) throws(ToolError) -> HTTPClientRequest {
        let (url, secrets) = (tool.url, tool.secrets)
        var address = url.filled(with: arguments, secrets: secrets, encode: PercentCoding.encode)
        guard !climbs(address) else {
            throw ToolError("an argument would lead to another place of the service: use its plain value")
        }
        let unused = (arguments.object ?? [:]).filter { !url.arguments.contains($0.key) }
        let body: JSON?
        if let template = tool.body {
            body = template.filled(with: arguments, secrets: secrets) ?? .null
        } else if ["GET", "DELETE"].contains(tool.method) {
            body = nil
            address = adding(unused, to: address)
        } else {
            body = .object(unused)
        }
        var headers = HTTPHeaders()
        for (name, template) in tool.headers {
            let value = template.filled(with: arguments, secrets: secrets)
            guard HTTPHeaders.maySend(name, value) else {
                throw ToolError("an argument has line breaks or other characters that may not be sent: leave them out")
            }
            headers[name] = value
        }
        if headers["Accept"] == nil { headers["Accept"] = "application/json" }
        let method = HTTPClientRequest.Method(rawValue: tool.method) ?? .get
        var request =
            body.map { HTTPClientRequest(method, address, headers: headers, json: $0) }
            ?? HTTPClientRequest(method, address, headers: headers)
        request.maximumResponseBytes = tool.maximumResponseBytes
        return request
    }

    private static func adding(_ arguments: [String: JSON], to url: String) -> String {
        guard !arguments.isEmpty else { return url }
        let query = FormFields(arguments.sorted { $0.key < $1.key }.map { ($0.key, TextTemplate.text($0.value)) })
        let (address, fragment) = url.split(at: "#")
        return address + (address.contains("?") ? "&" : "?") + query.encoded + fragment
    }

    /// Whether the path has a segment `.` or `..`: what follows it would not be where the template says.
    static func climbs(_ url: String) -> Bool {
        let path = url.prefix { !"?#".contains($0) }
        return path.split(separator: "/").contains { $0 == "." || $0 == ".." }
    }
}

extension String {
    /// What stands before the mark, and the mark with what follows.
    fileprivate func split(at mark: Character) -> (String, String) {
        let index = firstIndex(of: mark) ?? endIndex
        return (String(self[..<index]), String(self[index...]))
    }
}
