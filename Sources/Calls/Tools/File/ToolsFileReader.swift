import HTTP
import Platform

/// Reads the text of a tools file into definitions, or into everything that is wrong with it.
struct ToolsFileReader {
    static let maximumBytes = 1 << 20
    /// Models take some 128 tools, and choose worse the more there are.
    static let maximumCustomTools = 64

    let secret: @Sendable (String) -> Secret?
    let destinations: DestinationPolicy

    func read(_ bytes: [UInt8]) throws(ToolsFileError) -> ToolDefinitions {
        guard bytes.count <= Self.maximumBytes else {
            throw ToolsFileError(problems: [.init(path: "$", problem: "is larger than \(Self.maximumBytes) bytes")])
        }
        let json: JSON
        do {
            json = try JSON(parsing: bytes)
        } catch {
            throw ToolsFileError(problems: [.init(path: "$", problem: "is not JSON: \(Self.reason(error))")])
        }
        var fields = FieldReader(json, at: "$")
        var definitions = ToolDefinitions()
        if fields.isObject {
            definitions.systemTools = systemTools(&fields)
            definitions.customTools = customTools(&fields)
            fields.add(Self.clashes(json))
            fields.refuseOthers()
        }
        guard fields.problems.isEmpty else { throw ToolsFileError(problems: fields.problems) }
        return definitions
    }

    /// The parser names the offset and nothing of the text.
    static func reason(_ error: any Error) -> String {
        guard case .dataCorrupted(let context)? = error as? DecodingError else { return "it cannot be read" }
        return context.debugDescription
    }

    // MARK: system tools

    private func systemTools(_ fields: inout FieldReader) -> [SystemToolDefinition] {
        // A file of tools alone changes nothing about the program's own.
        guard let value = fields.value("system_tools") else { return ToolDefinitions.standard.systemTools }
        guard let entries = value.array else {
            fields.report("system_tools", "must be an array: system tools cannot be removed, only disabled")
            return []
        }
        var tools: [SystemToolDefinition] = []
        for (index, entry) in entries.enumerated() {
            var reader = FieldReader(entry, at: "$.system_tools[\(index)]")
            if let tool = SystemToolReader.read(&reader, taken: tools.map(\.kind)) { tools.append(tool) }
            fields.add(reader.problems)
        }
        let ids = Set(entries.compactMap { $0["id"]?.string })
        for kind in SystemToolDefinition.Kind.allCases where !ids.contains(kind.id) {
            fields.report(
                "system_tools", "lacks \(kind.id): system tools cannot be removed; set its enabled to false instead")
        }
        return tools
    }

    // MARK: custom tools

    private func customTools(_ fields: inout FieldReader) -> [CustomToolDefinition] {
        guard let value = fields.value("tools") else { return [] }
        guard let entries = value.array, entries.count <= Self.maximumCustomTools else {
            fields.report("tools", "must be an array of at most \(Self.maximumCustomTools) tools")
            return []
        }
        return entries.enumerated().compactMap { index, entry in
            var reader = CustomToolReader(
                FieldReader(entry, at: "$.tools[\(index)]"), secret: secret, destinations: destinations)
            let tool = reader.read()
            fields.add(reader.fields.problems)
            return tool
        }
    }

    /// Names that models would not tell apart.
    private static func clashes(_ json: JSON) -> [ToolsFileProblem] {
        var owners = Dictionary(
            ToolNames.own.map { ($0, "a tool of the program") }, uniquingKeysWith: { first, _ in first })
        var ids: [String: String] = [:]
        if json["system_tools"] == nil {
            for tool in ToolDefinitions.standard.systemTools {
                (owners[tool.name], ids[tool.kind.id]) = ("a tool of the program", "a tool of the program")
            }
        }
        var problems: [ToolsFileProblem] = []
        for list in ["system_tools", "tools"] {
            for (index, entry) in (json[list]?.array ?? []).enumerated() {
                let path = "$.\(list)[\(index)]"
                if let name = entry["name"]?.string, let owner = owners.updateValue(path, forKey: name) {
                    problems.append(.init(path: "\(path).name", problem: "is taken by \(owner)"))
                }
                if let id = entry["id"]?.string, let owner = ids.updateValue(path, forKey: id) {
                    problems.append(.init(path: "\(path).id", problem: "is taken by \(owner)"))
                }
            }
        }
        return problems
    }
}
