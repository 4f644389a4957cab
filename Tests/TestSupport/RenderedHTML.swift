import Platform

/// HTML as Python's own parser reads it: what a mail program would show.
public struct RenderedHTML: Sendable {
    /// A link's address, and the words that it is on.
    public struct Link: Sendable, Hashable {
        public let address: String
        public let text: String
        public init(_ address: String, _ text: String) {
            self.address = address
            self.text = text
        }
    }
    /// Tags that end what was not begun, or are never ended.
    public let problems: [String]
    /// The elements that begin, in their order.
    public let tags: [String]
    public let links: [Link]
    /// The pieces of text that are shown, in their order.
    public let text: [String]

    public init(_ html: String) async throws {
        let found = try await PythonPeer.run(Self.script, input: .string(html))
        func strings(_ name: String) -> [String] { (found[name]?.array ?? []).compactMap(\.string) }
        problems = strings("problems")
        tags = strings("tags")
        text = strings("text")
        links = (found["links"]?.array ?? []).map { Link($0[0]?.string ?? "", $0[1]?.string ?? "") }
    }

    private static let script = """
        import html.parser, json, sys

        class Reader(html.parser.HTMLParser):
            void = {"meta", "br", "img", "hr", "link", "input"}
            hidden = {"head", "title", "style", "script"}

            def __init__(self):
                super().__init__(convert_charrefs=True)
                self.open, self.problems, self.tags, self.links, self.text = [], [], [], [], []

            def handle_starttag(self, tag, attributes):
                self.tags.append(tag)
                if tag == "a":
                    self.links.append([dict(attributes).get("href"), ""])
                if tag not in self.void:
                    self.open.append(tag)

            def handle_endtag(self, tag):
                if self.open and self.open[-1] == tag:
                    self.open.pop()
                else:
                    self.problems.append("</" + tag + "> in " + "/".join(self.open))

            def handle_data(self, data):
                if self.hidden.isdisjoint(self.open) and data.strip():
                    self.text.append(" ".join(data.split()))
                    if "a" in self.open:
                        self.links[-1][1] += self.text[-1]

        reader = Reader()
        reader.feed(json.load(sys.stdin))
        reader.close()
        json.dump({"problems": reader.problems + ["<" + tag + "> is not ended" for tag in reader.open],
                   "tags": reader.tags, "links": reader.links, "text": reader.text}, sys.stdout)
        """
}

/// Header fields as they come over the wire.
public enum RawHeader {
    /// The text of a field of encoded words (RFC 2047), by Python's decoder.
    public static func decoded(_ value: String) async throws -> String {
        try await PythonPeer.run(
            """
            import json, sys
            from email.header import decode_header, make_header
            json.dump(str(make_header(decode_header(json.load(sys.stdin)))), sys.stdout)
            """, input: .string(value)
        ).string ?? ""
    }
}
