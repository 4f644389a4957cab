/// An element of an XML document. What TwiML has no use for — processing instructions, document types — is refused.
struct XMLElement: Sendable, Hashable {
    enum Node: Sendable, Hashable {
        case element(XMLElement)
        case text(String)
    }

    var name: String
    var attributes: [String: String] = [:]
    var children: [Node] = []

    var elements: [XMLElement] {
        children.compactMap { if case .element(let element) = $0 { element } else { nil } }
    }

    /// The text directly in it, without white space around it.
    var text: String {
        let text = children.map { if case .text(let text) = $0 { text } else { "" } }.joined()
        guard let last = text.lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return String(text[...last].drop(while: \.isWhitespace))
    }
}

/// Why a document is not well-formed, and where: a byte offset.
struct XMLError: Error, Hashable {
    var reason: String
    var offset: Int
}
