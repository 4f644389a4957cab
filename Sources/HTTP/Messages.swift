/// Header fields: names compare without case, order and repeats are kept.
public struct HTTPHeaders: Sendable, ExpressibleByDictionaryLiteral {
    public private(set) var fields: [(name: String, value: String)] = []
    public init(_ fields: [(String, String)] = []) { self.fields = fields.map { (name: $0.0, value: $0.1) } }
    public init(dictionaryLiteral elements: (String, String)...) { self.init(elements) }
    /// The first value of that name; setting replaces all of them.
    public subscript(name: String) -> String? {
        get { fields.first { $0.name.lowercased() == name.lowercased() }?.value }
        set {
            fields.removeAll { $0.name.lowercased() == name.lowercased() }
            if let newValue { fields.append((name: name, value: newValue)) }
        }
    }
    public mutating func add(_ name: String, _ value: String) { fields.append((name: name, value: value)) }
}

/// `application/x-www-form-urlencoded` text, order and repeats kept.
public struct FormFields: Sendable, ExpressibleByDictionaryLiteral {
    public var fields: [(name: String, value: String)]
    public init(_ fields: [(String, String)] = []) { self.fields = fields.map { (name: $0.0, value: $0.1) } }
    public init(dictionaryLiteral elements: (String, String)...) { self.init(elements) }
    /// Reads a query string or a form body; percent sequences that are not UTF-8 become U+FFFD.
    public init(decoding text: String) { fatalError("skeleton") }
    public subscript(name: String) -> String? { fields.first { $0.name == name }?.value }
    public mutating func add(_ name: String, _ value: String) { fields.append((name: name, value: value)) }
    public var encoded: String { fatalError("skeleton") }
}
