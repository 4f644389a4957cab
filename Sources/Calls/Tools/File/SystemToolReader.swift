import Platform

/// One entry of `system_tools`: name, description and enabled are the file's, all else is the program's.
enum SystemToolReader {
    static func read(
        _ fields: inout FieldReader, taken: [SystemToolDefinition.Kind]
    ) -> SystemToolDefinition? {
        guard fields.isObject else { return nil }
        let ids = SystemToolDefinition.Kind.allCases.map(\.id)
        let id = fields.value("id")?.string
        let kind = SystemToolDefinition.Kind.allCases.first { $0.id == id }
        if kind == nil {
            fields.report("id", "must be \(ids.alternatives): the system tools are those of the program")
        }
        let name = toolName(&fields)
        let description = fields.text("description", atMost: 1_024)
        let isEnabled = fields.flag("enabled", default: true)
        let (system, type, parameters) = (
            fields.value("system"), fields.value("type"), fields.value("parameters")
        )
        if system != true { fields.report("system", "must stay true") }
        if let kind {
            if type?.string != kind.rawValue { fields.report("type", "must stay \(kind.rawValue)") }
            if parameters.map(shape) != shape(kind.parameters) {
                fields.report("parameters", "must stay as it is: \(shape(kind.parameters).text)")
            }
        }
        fields.refuseOthers()
        guard let kind, !taken.contains(kind), let name, let description else { return nil }
        return SystemToolDefinition(kind: kind, name: name, description: description, isEnabled: isEnabled)
    }

    static func toolName(_ fields: inout FieldReader) -> String? {
        guard let name = fields.text("name", atMost: 64) else { return nil }
        guard ToolNames.isName(name) else {
            fields.report("name", "must have letters, digits, underscores and hyphens alone")
            return nil
        }
        return name
    }

    /// A schema without what asserts nothing, so that a description in another language is no change.
    private static func shape(_ schema: JSON) -> JSON {
        guard let members = schema.object else { return schema }
        let words: Set = ["title", "description", "default", "examples", "$comment"]
        var kept: [String: JSON] = [:]
        for (name, value) in members where !words.contains(name) {
            if name == "required", value.array?.isEmpty == true { continue }
            if name == "additionalProperties", value == false { continue }
            kept[name] = name == "properties" ? .object((value.object ?? [:]).mapValues(shape)) : value
        }
        return .object(kept)
    }
}
