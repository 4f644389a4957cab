import Platform

/// Reads the arguments that a model wrote, with the slips that models make and that leave no doubt.
enum ToolCallText {
    /// Nil when it is not JSON.
    static func arguments(_ text: String) -> JSON? {
        // A model that calls a tool without parameters often writes nothing at all.
        if text.allSatisfy(\.isWhitespace) { return [:] }
        guard let value = try? JSON(parsing: unfenced(text).utf8) else { return nil }
        // An object that was written as JSON twice.
        if let inner = value.string, let object = try? JSON(parsing: inner), object.object != nil { return object }
        return value
    }

    /// Without the Markdown fence around it.
    private static func unfenced(_ text: String) -> Substring {
        let text = text.trimmed
        guard text.hasPrefix("```"), text.hasSuffix("```"), let start = text.firstIndex(where: \.isNewline) else {
            return text
        }
        return text[start...].dropLast(3)
    }

    /// A null for what need not be given is the same as leaving it out.
    static func withoutNulls(_ arguments: JSON, _ schema: JSON) -> JSON {
        guard let members = arguments.object, members.values.contains(.null) else { return arguments }
        let required = schema["required"]?.array ?? []
        return .object(
            members.filter { name, value in
                guard value.isNull, !required.contains(.string(name)) else { return true }
                guard let property = schema["properties"]?[name], let root = try? JSONSchema(property) else {
                    return true
                }
                return root.violations(of: .null).isEmpty
            })
    }
}
