import Platform

/// A part of a request with its place in it, so that every complaint names the place as OpenAI does: `messages[0].role`.
struct RequestField {
    let value: JSON
    let path: String

    /// The member, or nil when it is absent or null.
    func member(_ name: String) -> RequestField? {
        guard let value = value[name], !value.isNull else { return nil }
        return RequestField(value: value, path: path.isEmpty ? name : "\(path).\(name)")
    }

    func required(_ name: String) throws(OpenAIError) -> RequestField {
        guard let member = member(name) else { throw .missing(path.isEmpty ? name : "\(path).\(name)") }
        return member
    }

    /// Refuses members other than these.
    func allow(_ names: Set<String>) throws(OpenAIError) {
        for name in try object().keys.sorted() where !names.contains(name) {
            let place = path.isEmpty ? name : "\(path).\(name)"
            throw OpenAIError("Unknown parameter: '\(place)'.", param: place, code: "unknown_parameter")
        }
    }

    func object() throws(OpenAIError) -> [String: JSON] {
        guard let object = value.object else { throw .wrongType(path, expected: "an object", got: value) }
        return object
    }

    func string() throws(OpenAIError) -> String {
        guard let string = value.string else { throw .wrongType(path, expected: "a string", got: value) }
        return string
    }

    func string(oneOf supported: [String]) throws(OpenAIError) -> String {
        let string = try string()
        guard supported.contains(string) else { throw .wrongValue(path, string, supported: supported) }
        return string
    }

    func bool() throws(OpenAIError) -> Bool {
        guard let bool = value.bool else { throw .wrongType(path, expected: "a boolean", got: value) }
        return bool
    }

    func array(minimum: Int = 0, maximum: Int = .max) throws(OpenAIError) -> [RequestField] {
        guard let array = value.array else { throw .wrongType(path, expected: "an array of objects", got: value) }
        if array.count < minimum {
            throw OpenAIError(
                "Invalid '\(path)': empty array. Expected an array with minimum length \(minimum), but got an empty "
                    + "array instead.", param: path, code: "empty_array")
        }
        if array.count > maximum {
            throw OpenAIError(
                "Invalid '\(path)': array too long. Expected an array with maximum length \(maximum), but got an array "
                    + "with length \(array.count) instead.", param: path, code: "array_above_max_length")
        }
        return array.enumerated().map { RequestField(value: $1, path: "\(path)[\($0)]") }
    }

    func number(in range: ClosedRange<Double>) throws(OpenAIError) {
        guard let number = value.number else { throw .wrongType(path, expected: "a decimal", got: value) }
        try check(number, in: range, kind: "decimal")
    }

    @discardableResult
    func integer(in range: ClosedRange<Int>) throws(OpenAIError) -> Int {
        guard let integer = value.integer else { throw .wrongType(path, expected: "an integer", got: value) }
        try check(Double(integer), in: Double(range.lowerBound)...Double(range.upperBound), kind: "integer")
        return Int(integer)
    }

    private func check(_ number: Double, in range: ClosedRange<Double>, kind: String) throws(OpenAIError) {
        guard !range.contains(number) else { return }
        let isBelow = number < range.lowerBound
        let bound = isBelow ? range.lowerBound : range.upperBound
        throw OpenAIError(
            "Invalid '\(path)': \(kind) \(isBelow ? "below minimum" : "above maximum") value. Expected a value "
                + "\(isBelow ? ">=" : "<=") \(bound), but got \(number) instead.",
            param: path, code: "\(kind)_\(isBelow ? "below_min" : "above_max")_value")
    }
}
