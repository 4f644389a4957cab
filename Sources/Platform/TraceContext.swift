/// Where a piece of work belongs in a trace: the `traceparent` of W3C Trace Context, version 00. It goes from whoever enqueues a
/// job to its handler, and from there into the requests that the handler makes.
public struct TraceContext: Sendable, Hashable {
    /// 32 hexadecimal digits, not all zero.
    public let traceID: String
    /// 16 hexadecimal digits, not all zero.
    public let spanID: String
    /// Whether the trace is recorded, by those who record.
    public let isSampled: Bool

    /// That of the running task.
    @TaskLocal public static var current: TraceContext?

    /// Nil when the text is not a traceparent: what comes from outside is dropped rather than passed on.
    public init?(traceparent: String) {
        let parts = traceparent.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 4, parts[0] == "00", Self.isID(parts[1], 32), Self.isID(parts[2], 16),
            parts[3].utf8.count == 2,
            let flags = UInt8(parts[3], radix: 16), parts[3].utf8.allSatisfy(Self.isHex)
        else { return nil }
        self.init(traceID: String(parts[1]), spanID: String(parts[2]), isSampled: flags & 1 == 1)
    }

    private init(traceID: String, spanID: String, isSampled: Bool) {
        self.traceID = traceID
        self.spanID = spanID
        self.isSampled = isSampled
    }

    public var traceparent: String { "00-\(traceID)-\(spanID)-\(isSampled ? "01" : "00")" }

    /// A new span of the same trace.
    public var child: TraceContext {
        let digits = String(UInt64.random(in: 1...UInt64.max), radix: 16)
        let spanID = String(repeating: "0", count: 16 - digits.utf8.count) + digits
        return TraceContext(traceID: traceID, spanID: spanID, isSampled: isSampled)
    }

    private static func isID(_ text: Substring, _ length: Int) -> Bool {
        text.utf8.count == length && text.utf8.allSatisfy(isHex) && text.utf8.contains { $0 != UInt8(ascii: "0") }
    }

    private static func isHex(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"): true
        default: false
        }
    }
}
