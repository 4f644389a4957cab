/// Reads a well-formed XML 1.0 document: elements, attributes, text, CDATA, comments and the five named entities.
struct XMLReader {
    private let bytes: [UInt8]
    private var position = 0
    private static let deepest = 32

    static func read(_ bytes: [UInt8]) throws(XMLError) -> XMLElement {
        guard String(validating: bytes, as: UTF8.self) != nil else { throw XMLError(reason: "not UTF-8", offset: 0) }
        var reader = XMLReader(bytes: bytes)
        return try reader.document()
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private mutating func document() throws(XMLError) -> XMLElement {
        _ = take("\u{FEFF}")
        // Nothing, not even white space, may stand before the declaration.
        if take("<?xml") { _ = try text(until: "?>", of: "the XML declaration") }
        try skipBetweenElements()
        guard take("<") else { throw error("an element is expected") }
        let root = try element(depth: 1)
        try skipBetweenElements()
        guard position == bytes.count else { throw error("something follows the document's element") }
        return root
    }

    /// After the "<".
    private mutating func element(depth: Int) throws(XMLError) -> XMLElement {
        guard depth <= Self.deepest else { throw error("elements are nested too deeply") }
        var element = XMLElement(name: try name())
        while true {
            let hadSpace = skipSpace()
            if take("/>") { return element }
            if take(">") { break }
            guard hadSpace else { throw error("white space is expected before an attribute") }
            let attribute = try name()
            guard element.attributes[attribute] == nil else { throw error("the attribute \(attribute) occurs twice") }
            element.attributes[attribute] = try attributeValue()
        }
        element.children = try children(of: element.name, depth: depth)
        return element
    }

    private mutating func children(of name: String, depth: Int) throws(XMLError) -> [XMLElement.Node] {
        var children: [XMLElement.Node] = []
        while true {
            if take("</") {
                guard try self.name() == name else { throw error("the end of \(name) is expected") }
                _ = skipSpace()
                guard take(">") else { throw error("\">\" is expected") }
                return children
            } else if take("<!--") {
                _ = try text(until: "-->", of: "a comment")
            } else if take("<![CDATA[") {
                children.append(.text(try text(until: "]]>", of: "a CDATA section")))
            } else if take("<") {
                children.append(.element(try element(depth: depth + 1)))
            } else if position < bytes.count {
                children.append(.text(try characters(until: { $0 == UInt8(ascii: "<") })))
            } else {
                throw error("\(name) has no end")
            }
        }
    }

    private mutating func attributeValue() throws(XMLError) -> String {
        _ = skipSpace()
        guard take("=") else { throw error("\"=\" is expected") }
        _ = skipSpace()
        guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") || bytes[position] == UInt8(ascii: "'")
        else { throw error("a quoted value is expected") }
        let quote = bytes[position]
        position += 1
        let value = try characters(until: { $0 == quote || $0 == UInt8(ascii: "<") })
        guard position < bytes.count, bytes[position] == quote else { throw error("\"<\" stands in a value") }
        position += 1
        return value
    }

    /// Text with its entities resolved, up to a byte that is left to be read.
    private mutating func characters(until isEnd: (UInt8) -> Bool) throws(XMLError) -> String {
        var text: [UInt8] = []
        while position < bytes.count, !isEnd(bytes[position]) {
            let byte = bytes[position]
            if byte == UInt8(ascii: "&") {
                text += try entity()
            } else if byte < 0x20, ![0x09, 0x0A, 0x0D].contains(byte) {
                throw error("a control character is not allowed")
            } else {
                text.append(byte)
                position += 1
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    private mutating func entity() throws(XMLError) -> String.UTF8View {
        position += 1
        let name = try text(until: ";", of: "an entity")
        switch name {
        case "amp": return "&".utf8
        case "lt": return "<".utf8
        case "gt": return ">".utf8
        case "quot": return "\"".utf8
        case "apos": return "'".utf8
        default:
            let isHexadecimal = name.hasPrefix("#x")
            guard name.hasPrefix("#"),
                let number = UInt32(name.dropFirst(isHexadecimal ? 2 : 1), radix: isHexadecimal ? 16 : 10),
                number >= 0x20 || [0x09, 0x0A, 0x0D].contains(number), let scalar = Unicode.Scalar(number)
            else { throw error("the entity &\(name.prefix(16)); is unknown") }
            return String(scalar).utf8
        }
    }

    /// A letter, an underscore or a colon, then also digits, hyphens and dots.
    private mutating func name() throws(XMLError) -> String {
        let start = position
        while position < bytes.count, Self.isNamePart(bytes[position], isFirst: position == start) { position += 1 }
        guard position > start else { throw error("a name is expected") }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    private static func isNamePart(_ byte: UInt8, isFirst: Bool) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"),
            UInt8(ascii: ":"), 0x80...:
            true
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."): !isFirst
        default: false
        }
    }

    // MARK: small steps

    private mutating func skipBetweenElements() throws(XMLError) {
        _ = skipSpace()
        while take("<!--") {
            _ = try text(until: "-->", of: "a comment")
            _ = skipSpace()
        }
    }

    private mutating func skipSpace() -> Bool {
        let start = position
        while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
        return position > start
    }

    private mutating func take(_ expected: String) -> Bool {
        guard bytes[position...].starts(with: expected.utf8) else { return false }
        position += expected.utf8.count
        return true
    }

    private mutating func text(until end: String, of what: String) throws(XMLError) -> String {
        let start = position
        while position < bytes.count {
            let here = position
            if take(end) { return String(decoding: bytes[start..<here], as: UTF8.self) }
            position += 1
        }
        throw error("\(what) has no end")
    }

    private func error(_ reason: String) -> XMLError { XMLError(reason: reason, offset: position) }
}
