/// The status line and header fields of an answer, line by line as libcurl passes them on.
///
/// An interim answer (1xx) has a head of its own, which the next status line replaces.
struct ResponseHead {
    enum Step {
        case incomplete
        case complete(status: Int, headers: HTTPHeaders)
        case tooLarge
    }
    static let maximumBytes = 256 << 10

    private var status: Int?
    private var headers = HTTPHeaders()
    private var size = 0
    private var isComplete = false

    mutating func add(_ line: UnsafeRawBufferPointer) -> Step {
        size += line.count
        guard size <= Self.maximumBytes else { return .tooLarge }
        // Trailers come after the body, where nobody asks for them.
        guard !isComplete else { return .incomplete }
        let text = line.prefix { $0 != UInt8(ascii: "\r") && $0 != UInt8(ascii: "\n") }
        if text.starts(with: "HTTP/".utf8) {
            startAnswer(text)
        } else if text.isEmpty {
            return end()
        } else {
            addField(text)
        }
        return .incomplete
    }

    private mutating func startAnswer(_ line: Slice<UnsafeRawBufferPointer>) {
        let words = line.split(separator: UInt8(ascii: " "), maxSplits: 2)
        status = words.count >= 2 ? Int(String(decoding: words[1], as: UTF8.self)) : nil
        headers = [:]
    }

    private mutating func addField(_ line: Slice<UnsafeRawBufferPointer>) {
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { return }
        let isSpace = { (byte: UInt8) in byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        var value = line[line.index(after: colon)...].drop(while: isSpace)
        while let last = value.last, isSpace(last) { value.removeLast() }
        headers.add(String(decoding: line[..<colon], as: UTF8.self), String(decoding: value, as: UTF8.self))
    }

    private mutating func end() -> Step {
        guard let status, status >= 200 else { return .incomplete }
        isComplete = true
        return .complete(status: status, headers: headers)
    }
}
