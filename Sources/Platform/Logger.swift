import FoundationEssentials
import Synchronization

#if canImport(Glibc)
    import Glibc
#endif

/// A structured log with the API shape of swift-log, so that swift-log can take its place.
///
/// Lines go to standard error, one write a line, so lines of several threads and processes do not mix.
public struct Logger: Sendable {
    public enum Level: String, Sendable, CaseIterable, Comparable {
        case trace, debug, info, notice, warning, error, critical

        private var rank: Int {
            switch self {
            case .trace: 0
            case .debug: 1
            case .info: 2
            case .notice: 3
            case .warning: 4
            case .error: 5
            case .critical: 6
            }
        }
        public static func < (left: Level, right: Level) -> Bool { left.rank < right.rank }
    }

    public enum Format: String, Sendable { case text, json }

    public typealias Metadata = [String: String]

    public let label: String
    public var logLevel: Level
    public let format: Format
    private var metadata: Metadata = [:]
    private let write: @Sendable (String) -> Void

    /// - Parameter write: where a finished line goes (newline included); standard error by default.
    public init(
        label: String, level: Level = .info, format: Format = .text, write: (@Sendable (String) -> Void)? = nil
    ) {
        self.label = label
        self.logLevel = level
        self.format = format
        self.write = write ?? Logger.writeToStandardError
    }

    /// Metadata that every later line of this logger carries. Never put a secret here.
    public subscript(metadataKey key: String) -> String? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    public func log(level: Level, _ message: @autoclosure () -> String, metadata: @autoclosure () -> Metadata? = nil) {
        guard level >= logLevel else { return }
        let all = self.metadata.merging(metadata() ?? [:]) { _, new in new }
        write(line(level, message(), all))
    }

    public func trace(_ message: @autoclosure () -> String, metadata: @autoclosure () -> Metadata? = nil) {
        log(level: .trace, message(), metadata: metadata())
    }
    public func debug(_ message: @autoclosure () -> String, metadata: @autoclosure () -> Metadata? = nil) {
        log(level: .debug, message(), metadata: metadata())
    }
    public func info(_ message: @autoclosure () -> String, metadata: @autoclosure () -> Metadata? = nil) {
        log(level: .info, message(), metadata: metadata())
    }
    public func notice(_ message: @autoclosure () -> String, metadata: @autoclosure () -> Metadata? = nil) {
        log(level: .notice, message(), metadata: metadata())
    }
    public func warning(_ message: @autoclosure () -> String, metadata: @autoclosure () -> Metadata? = nil) {
        log(level: .warning, message(), metadata: metadata())
    }
    public func error(_ message: @autoclosure () -> String, metadata: @autoclosure () -> Metadata? = nil) {
        log(level: .error, message(), metadata: metadata())
    }
    public func critical(_ message: @autoclosure () -> String, metadata: @autoclosure () -> Metadata? = nil) {
        log(level: .critical, message(), metadata: metadata())
    }

    private func line(_ level: Level, _ message: String, _ metadata: Metadata) -> String {
        let time = Date().ISO8601Format(.iso8601(timeZone: .gmt, includingFractionalSeconds: true)) + "Z"
        switch format {
        case .text:
            let pairs = metadata.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
            return "\(time) \(level.rawValue) \(label): \(message)\(pairs)\n"
        case .json:
            var members = metadata.mapValues { JSON.string($0) }
            members["time"] = .string(time)
            members["level"] = .string(level.rawValue)
            members["logger"] = .string(label)
            members["message"] = .string(message)
            return JSON.object(members).text + "\n"
        }
    }

    private static func writeToStandardError(_ line: String) {
        var line = line
        line.withUTF8 { bytes in _ = Glibc.write(2, bytes.baseAddress, bytes.count) }
    }
}
