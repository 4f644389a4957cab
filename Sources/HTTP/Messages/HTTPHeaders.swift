/// Header fields: names compare without case, order and repeats are kept.
public struct HTTPHeaders: Sendable, ExpressibleByDictionaryLiteral {
    public private(set) var fields: [(name: String, value: String)] = []

    public init(_ fields: [(String, String)] = []) { self.fields = fields.map { (name: $0.0, value: $0.1) } }
    public init(dictionaryLiteral elements: (String, String)...) { self.init(elements) }

    /// The first value of that name; setting replaces all of them.
    public subscript(name: String) -> String? {
        get { fields.first { Self.areSameName($0.name, name) }?.value }
        set {
            fields.removeAll { Self.areSameName($0.name, name) }
            if let newValue { fields.append((name: name, value: newValue)) }
        }
    }

    /// Every value of that name, in order.
    public func values(of name: String) -> [String] {
        fields.filter { Self.areSameName($0.name, name) }.map(\.value)
    }

    public mutating func add(_ name: String, _ value: String) { fields.append((name: name, value: value)) }

    /// The name of the first field that may not be sent: its name is no token (RFC 9110, 5.6.2), or its value has a
    /// control character. A line break in a value would let whoever chose the value write headers of their own.
    var firstInvalidName: String? {
        fields.first { !Self.maySend($0.name, $0.value) }?.name
    }

    /// Whether a field of that name and value may be sent.
    public static func maySend(_ name: String, _ value: String) -> Bool { isToken(name) && isFieldValue(value) }

    static func isToken(_ name: String) -> Bool {
        !name.isEmpty
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
                }
            }
    }

    static func isFieldValue(_ value: String) -> Bool {
        value.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == UInt8(ascii: "\t") }
    }

    private static func areSameName(_ left: String, _ right: String) -> Bool {
        left.utf8.count == right.utf8.count && zip(left.utf8, right.utf8).allSatisfy { lowercase($0) == lowercase($1) }
    }

    private static func lowercase(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }
}
