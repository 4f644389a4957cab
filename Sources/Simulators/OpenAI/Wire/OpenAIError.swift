import Platform

/// A refusal in the words and the shape of OpenAI's API: `{"error":{"message","type","param","code"}}`.
struct OpenAIError: Error {
    var status = 400
    var message: String
    var type = "invalid_request_error"
    var param: String?
    var code: String?

    init(_ message: String, param: String? = nil, code: String? = nil) {
        self.message = message
        self.param = param
        self.code = code
    }

    var json: JSON {
        [
            "error": [
                "message": .string(message), "type": .string(type), "param": param.map { .string($0) } ?? .null,
                "code": code.map { .string($0) } ?? .null,
            ]
        ]
    }
}

extension OpenAIError {
    static let noKey = OpenAIError(
        status: 401,
        "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth "
            + "(i.e. Authorization: Bearer YOUR_KEY).")

    static let wrongKey = OpenAIError(
        status: 401, "Incorrect API key provided. You can find your API key in your account.", code: "invalid_api_key")

    static let notJSON = OpenAIError(
        "We could not parse the JSON body of your request. The OpenAI API expects a JSON payload.")

    static func noSuchModel(_ name: String) -> OpenAIError {
        OpenAIError(
            status: 404, "The model `\(name)` does not exist or you do not have access to it.", param: "model",
            code: "model_not_found")
    }

    static func noSuchPath(_ method: String, _ path: String) -> OpenAIError {
        OpenAIError(status: 404, "Invalid URL (\(method) \(path))")
    }

    static func notAllowed(_ method: String) -> OpenAIError {
        OpenAIError(status: 405, "Not allowed to \(method) on this resource.", code: "method_not_supported")
    }

    static func missing(_ path: String) -> OpenAIError {
        OpenAIError("Missing required parameter: '\(path)'.", param: path, code: "missing_required_parameter")
    }

    static func wrongType(_ path: String, expected: String, got: JSON) -> OpenAIError {
        OpenAIError(
            "Invalid type for '\(path)': expected \(expected), but got \(got.kind) instead.", param: path,
            code: "invalid_type")
    }

    static func wrongValue(_ path: String, _ value: String, supported: [String]) -> OpenAIError {
        let names = supported.map { "'\($0)'" }.joined(separator: ", ")
        return OpenAIError(
            "Invalid value: '\(value)'. Supported values are: \(names).", param: path, code: "invalid_value")
    }

    private init(status: Int, _ message: String, param: String? = nil, code: String? = nil) {
        self.init(message, param: param, code: code)
        self.status = status
    }
}

extension JSON {
    /// How OpenAI's messages name the type of a value.
    var kind: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .integer: "an integer"
        case .number: "a decimal"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}
