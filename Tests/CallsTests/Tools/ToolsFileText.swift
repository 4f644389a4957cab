import HTTP
import Platform

@testable import Calls

/// Tools files for tests.
enum ToolsFileText {
    static let disconnect: JSON = [
        "id": "system_disconnect", "name": "terminarLlamada", "description": "Cuelga.", "enabled": true, "system": true,
        "type": "disconnect", "parameters": ["type": "object", "properties": [:], "required": []],
    ]
    static let openURL: JSON = [
        "id": "system_open_url", "name": "abrirEnlace", "description": "Abre una página.", "enabled": true,
        "system": true,
        "type": "open_url",
        "parameters": [
            "type": "object", "properties": ["url": ["type": "string", "description": "La URL completa a abrir"]],
            "required": ["url"],
        ],
    ]

    static func file(system: [JSON] = [disconnect, openURL], tools: [JSON] = []) -> JSON {
        ["system_tools": .array(system), "tools": .array(tools)]
    }

    static func tool(_ changes: [String: JSON] = [:], without names: String...) -> JSON {
        var members: [String: JSON] = [
            "name": "find_customer", "description": "Finds a customer by number.",
            "parameters": ["type": "object", "properties": ["number": ["type": "string"]], "required": ["number"]],
            "url": "https://crm.example.com/customers/{number}",
        ]
        members.merge(changes) { $1 }
        for name in names { members[name] = nil }
        return .object(members)
    }

    static func read(
        _ file: JSON, secrets: [String: String] = [:], allowing hosts: String = ""
    ) throws -> ToolDefinitions {
        let destinations = DestinationPolicy(hosts) ?? .publicOnly
        return try ToolsFileReader(secret: { secrets[$0].map { Secret($0) } }, destinations: destinations).read(
            file.bytes)
    }

    /// The sentences about what is wrong.
    static func problems(_ file: JSON, secrets: [String: String] = [:]) -> [String] {
        do {
            _ = try read(file, secrets: secrets)
            return []
        } catch {
            return (error as? ToolsFileError)?.problems.map(\.description) ?? ["\(error)"]
        }
    }
}

extension JSON {
    func with(_ changes: [String: JSON]) -> JSON { .object((object ?? [:]).merging(changes) { $1 }) }
}
