import Dispatch
import Glibc
import Platform

/// Standard input, line by line, read on a thread of its own: a line may be waited for as long as somebody types.
final class LineInput: Sendable {
    enum Line: Sendable, Hashable {
        /// Without its end.
        case text(String)
        /// Its rest was passed over.
        case tooLong
    }

    /// Of one line; a character of four bytes is the longest.
    private static let maximumBytes = 16 << 10

    private let lines: AsyncStream<Line>
    private let wanted = DispatchSemaphore(value: 0)

    init() {
        // A line is read when it is asked for: one place is enough.
        let (lines, found) = AsyncStream.makeStream(of: Line.self, bufferingPolicy: .bufferingOldest(1))
        self.lines = lines
        let wanted = wanted
        OwnThread.start {
            var reader = Reader()
            wanted.wait()
            while let line = reader.next(atMost: Self.maximumBytes) {
                found.yield(line)
                wanted.wait()
            }
            found.finish()
        }
    }

    /// Nil at the end of the input. Throws `CancellationError`; the thread goes on waiting for the line that was asked for.
    func next() async throws -> Line? {
        wanted.signal()
        var iterator = lines.makeAsyncIterator()
        let line = await iterator.next()
        try Task.checkCancellation()
        return line
    }

    private struct Reader {
        private var buffer: ArraySlice<UInt8> = []

        /// Blocks. A last line without an end counts.
        mutating func next(atMost limit: Int) -> Line? {
            var line: [UInt8] = []
            var isTooLong = false
            while true {
                if let end = buffer.firstIndex(of: UInt8(ascii: "\n")) {
                    if !isTooLong { line += buffer[..<end] }
                    buffer = buffer[(end + 1)...]
                    return isTooLong || line.count > limit ? .tooLong : .text(Self.text(line))
                }
                if !isTooLong { line += buffer }
                if line.count > limit {
                    isTooLong = true
                    line = []
                }
                guard readMore() else {
                    return isTooLong ? .tooLong : line.isEmpty ? nil : .text(Self.text(line))
                }
            }
        }

        private mutating func readMore() -> Bool {
            var piece = [UInt8](repeating: 0, count: 4_096)
            var count: Int
            repeat { count = read(STDIN_FILENO, &piece, piece.count) } while count < 0 && errno == EINTR
            buffer = piece.prefix(max(0, count))
            return count > 0
        }

        private static func text(_ line: [UInt8]) -> String {
            String(decoding: line.last == UInt8(ascii: "\r") ? line.dropLast() : line[...], as: UTF8.self)
        }
    }
}
