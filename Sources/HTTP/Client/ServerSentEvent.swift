/// One event of a `text/event-stream`.
public struct ServerSentEvent: Sendable, Equatable {
    /// Nil when the event names no type (then it is a "message").
    public var event: String?
    /// The lines of `data`, joined by line feeds.
    public var data: String
    /// Nil when this event carries none.
    public var id: String?

    public init(event: String? = nil, data: String, id: String? = nil) {
        self.event = event
        self.data = data
        self.id = id
    }

    /// The event as it goes over the wire, for servers.
    public var encoded: [UInt8] {
        var lines = ""
        if let event { lines += "event: \(event)\n" }
        if let id { lines += "id: \(id)\n" }
        for line in data.split(separator: "\n", omittingEmptySubsequences: false) { lines += "data: \(line)\n" }
        return Array((lines + "\n").utf8)
    }
}

/// Reads a `text/event-stream` in pieces of any size, by the rules of the HTML standard, 9.2.6.
///
/// Lines end with CRLF, LF or CR, and a piece may end between the two bytes of a CRLF, inside a character or inside the
/// byte order mark. An event that no blank line ends is never complete, so it is dropped.
struct ServerSentEventParser {
    private var line: [UInt8] = []
    private var isFirstLine = true
    private var lastWasCarriageReturn = false

    private var event: String?
    private var data: String?
    private var id: String?

    /// The events that these bytes complete.
    mutating func parse(_ bytes: some Sequence<UInt8>) -> [ServerSentEvent] {
        var events: [ServerSentEvent] = []
        for byte in bytes {
            let endsCarriageReturn = lastWasCarriageReturn && byte == UInt8(ascii: "\n")
            lastWasCarriageReturn = byte == UInt8(ascii: "\r")
            if endsCarriageReturn { continue }
            if lastWasCarriageReturn || byte == UInt8(ascii: "\n") {
                if let event = endLine() { events.append(event) }
            } else {
                line.append(byte)
            }
        }
        return events
    }

    private mutating func endLine() -> ServerSentEvent? {
        defer { line.removeAll(keepingCapacity: true) }
        if isFirstLine, line.starts(with: [0xEF, 0xBB, 0xBF]) { line.removeFirst(3) }
        isFirstLine = false
        guard !line.isEmpty else { return dispatch() }
        readField()
        return nil
    }

    /// A comment starts with a colon: its field name is empty, which no case below knows.
    private mutating func readField() {
        let parts = line.split(separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
        var value = parts.count == 2 ? parts[1] : []
        if value.first == UInt8(ascii: " ") { value.removeFirst() }
        let text = String(decoding: value, as: UTF8.self)
        switch String(decoding: parts[0], as: UTF8.self) {
        case "data": data = data.map { $0 + "\n" + text } ?? text
        case "event": event = text
        case "id" where !value.contains(0): id = text
        default: break
        }
    }

    private mutating func dispatch() -> ServerSentEvent? {
        defer { (event, data, id) = (nil, nil, nil) }
        guard let data else { return nil }
        return ServerSentEvent(event: event?.isEmpty == false ? event : nil, data: data, id: id)
    }
}
