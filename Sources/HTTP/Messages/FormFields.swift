/// `application/x-www-form-urlencoded` text, order and repeats kept.
public struct FormFields: Sendable, ExpressibleByDictionaryLiteral {
    public var fields: [(name: String, value: String)]

    public init(_ fields: [(String, String)] = []) { self.fields = fields.map { (name: $0.0, value: $0.1) } }
    public init(dictionaryLiteral elements: (String, String)...) { self.init(elements) }

    /// Reads a query string or a form body; percent sequences that are not UTF-8 become U+FFFD.
    public init(decoding text: String) { self.init(decoding: text.utf8) }

    init(decoding text: some Collection<UInt8>) {
        fields = text.split(separator: UInt8(ascii: "&")).map { field in
            let parts = field.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            return (
                name: PercentCoding.decode(parts[0], plusAsSpace: true),
                value: parts.count == 2 ? PercentCoding.decode(parts[1], plusAsSpace: true) : ""
            )
        }
    }

    /// The first value of that name; names are compared exactly.
    public subscript(name: String) -> String? { fields.first { $0.name == name }?.value }

    public mutating func add(_ name: String, _ value: String) { fields.append((name: name, value: value)) }

    /// The text, with spaces as `+`, as browsers and the providers write it.
    public var encoded: String {
        fields.map { "\(Self.encode($0.name))=\(Self.encode($0.value))" }.joined(separator: "&")
    }

    private static func encode(_ text: String) -> String {
        PercentCoding.encode(text, keeping: "*-._", spaceAsPlus: true)
    }
}
