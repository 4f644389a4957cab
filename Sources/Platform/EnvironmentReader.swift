/// Reads typed values from an environment and collects what is wrong instead of stopping at the first.
///
/// Every getter returns something usable, so that a configuration can be read to its end; `finish()` then throws all
/// problems at once. A problem names the variable and what would be right, and never holds a secret's value.
public struct EnvironmentReader {
    public let environment: Environment
    /// Begins with what is wrong with the environment's file.
    public private(set) var problems: [String]

    public init(_ environment: Environment) {
        self.environment = environment
        problems = environment.problems
    }

    /// Throws `ConfigurationError` when anything was wrong.
    public func finish() throws {
        if !problems.isEmpty { throw ConfigurationError(problems: problems) }
    }

    /// Adds a problem that concerns several variables, or one that a getter does not know.
    public mutating func report(_ name: String, _ problem: String) { problems.append("\(name) \(problem)") }

    public func string(_ name: String) -> String? { environment[name] }
    public func string(_ name: String, default fallback: String) -> String { environment[name] ?? fallback }
    public func secret(_ name: String) -> Secret? { environment[name].map { Secret($0) } }

    /// - Parameter purpose: completes "is not set: set it to …".
    public mutating func required(_ name: String, _ purpose: String) -> String {
        if let value = environment[name] { return value }
        report(name, "is not set: set it to \(purpose)")
        return ""
    }

    /// - Parameter purpose: completes "is not set: set it to …".
    public mutating func requiredSecret(_ name: String, _ purpose: String) -> Secret {
        Secret(required(name, purpose))
    }

    public mutating func integer(_ name: String, default fallback: Int, in range: ClosedRange<Int>) -> Int {
        parsed(
            name, default: fallback,
            expected: "a whole number from \(range.lowerBound) to \(range.upperBound), such as \(fallback)"
        ) { text in Int(text).flatMap { range.contains($0) ? $0 : nil } }
    }

    /// A number of seconds, fractions allowed.
    public mutating func seconds(
        _ name: String, default fallback: Double, in range: ClosedRange<Double>
    ) -> Duration {
        let wanted = "a number of seconds from \(short(range.lowerBound)) to \(short(range.upperBound))"
        return .seconds(
            parsed(name, default: fallback, expected: "\(wanted), such as \(short(fallback))") { text in
                Double(text).flatMap { range.contains($0) ? $0 : nil }
            })
    }

    /// One of an enumeration's raw values, in any case.
    public mutating func choice<Value: RawRepresentable<String> & CaseIterable>(
        _ name: String, default fallback: Value
    ) -> Value {
        let choices = Value.allCases.map(\.rawValue)
        return parsed(name, default: fallback, expected: choices.alternatives) { Value(rawValue: $0.lowercased()) }
    }

    public mutating func bool(_ name: String, default fallback: Bool) -> Bool {
        parsed(name, default: fallback, expected: "true or false") { text in
            switch text.lowercased() {
            case "true", "1", "yes", "on": true
            case "false", "0", "no", "off": false
            default: nil
            }
        }
    }

    /// An absolute http or https URL, without its trailing slash.
    public mutating func url(_ name: String, default fallback: String?) -> String? {
        guard environment[name] != nil else { return fallback }
        let example = fallback ?? "https://calls.example.com"
        return parsed(name, default: example, expected: "an http or https URL, such as \(example)", Self.baseURL)
    }

    /// Any other shape: `parse` returns nil for what is wrong, `expected` says what would be right.
    public mutating func parsed<Value>(
        _ name: String, default fallback: Value, expected: String, _ parse: (String) -> Value?
    ) -> Value {
        guard let text = environment[name] else { return fallback }
        if let value = parse(text) { return value }
        // A URL with a login in it is a secret.
        let shown = text.contains("@") ? "wrong" : "\"\(text.prefix(80))\""
        report(name, "is \(shown): it must be \(expected)")
        return fallback
    }

    private static func baseURL(_ text: String) -> String? {
        guard let scheme = ["http://", "https://"].first(where: { text.lowercased().hasPrefix($0) }) else { return nil }
        let rest = text.dropFirst(scheme.count)
        let host = rest.prefix { $0 != "/" }
        guard !host.isEmpty, !host.contains("@"), !text.contains(where: { $0.isWhitespace || "?#".contains($0) })
        else { return nil }
        return text.hasSuffix("/") ? String(text.dropLast()) : text
    }
}

private func short(_ number: Double) -> String {
    number == number.rounded() ? "\(Int(number))" : "\(number)"
}
