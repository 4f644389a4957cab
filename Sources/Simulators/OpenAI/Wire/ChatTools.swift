import Platform

/// The rules of `tools` and `tool_choice`.
enum ChatTools {
    static func read(_ field: RequestField) throws(OpenAIError) -> [ChatPrompt.Tool] {
        var tools: [ChatPrompt.Tool] = []
        for element in try field.array(minimum: 1, maximum: 128) {
            try element.allow(["type", "function"])
            _ = try element.required("type").string(oneOf: ["function"])
            let function = try element.required("function")
            try function.allow(["name", "description", "parameters", "strict"])
            let name = try function.required("name")
            try ChatMessages.checkName(name)
            let description = try function.member("description")?.string() ?? ""
            let parameters = function.member("parameters")
            if let parameters {
                try check(parameters, of: name.string(), isStrict: function.member("strict")?.bool() ?? false)
            }
            tools.append(
                ChatPrompt.Tool(
                    name: try name.string(), description: description,
                    parameters: parameters?.value ?? ["type": "object", "properties": [:]]))
        }
        return tools
    }

    private static func check(
        _ parameters: RequestField, of name: String, isStrict: Bool
    ) throws(OpenAIError) {
        _ = try parameters.object()
        var check = SchemaCheck(isStrict: isStrict)
        guard parameters.value["type"]?.string == "object" else {
            let got = parameters.value["type"]?.text ?? "\"None\""
            throw refusal("schema must be a JSON Schema of 'type: \"object\"', got 'type: \(got)'.")
        }
        if let problem = check.problem(in: parameters.value) { throw refusal(problem) }

        func refusal(_ problem: String) -> OpenAIError {
            OpenAIError(
                "Invalid schema for function '\(name)': \(problem)", param: parameters.path,
                code: "invalid_function_parameters")
        }
    }

    static func choice(
        _ field: RequestField, of tools: [ChatPrompt.Tool]
    ) throws(OpenAIError) -> ChatPrompt.ToolChoice {
        guard field.value.string == nil else {
            switch try field.string(oneOf: ["none", "auto", "required"]) {
            case "none": return .none
            case "required": return .required
            default: return .auto
            }
        }
        _ = try field.required("type").string(oneOf: ["function"])
        let name = try field.required("function").required("name").string()
        guard tools.contains(where: { $0.name == name }) else {
            throw OpenAIError("Tool choice '\(name)' not found in 'tools' parameter.", param: "tool_choice")
        }
        return .function(name)
    }
}

/// The rules of `response_format.json_schema`.
enum StructuredFormat {
    static func schema(_ field: RequestField) throws(OpenAIError) -> JSON {
        try field.allow(["name", "description", "schema", "strict"])
        let name = try field.required("name")
        try ChatMessages.checkName(name)
        let isStrict = try field.member("strict")?.bool() ?? false
        guard let schema = field.member("schema") else { return ["type": "object"] }
        _ = try schema.object()
        var check = SchemaCheck(isStrict: isStrict)
        let problem =
            schema.value["type"]?.string == "object"
            ? check.problem(in: schema.value)
            : "schema must be a JSON Schema of 'type: \"object\"', got 'type: \(schema.value["type"]?.text ?? "\"None\"")'."
        if let problem {
            throw OpenAIError(
                "Invalid schema for response_format '\(try name.string())': \(problem)", param: "response_format")
        }
        return schema.value
    }
}
