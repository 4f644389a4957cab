import Platform
import Postgres

/// Jobs as rows of a COPY, encoded as they are sent.
struct BulkCopy<Work: Job>: AsyncSequence {
    typealias Element = [UInt8]
    typealias Failure = any Error

    private static var chunkBytes: Int { 65_536 }

    let jobs: [Work]
    let options: JobOptions
    let keys: Keyring

    static var statement: String {
        "COPY jobs (kind, queue, priority, max_attempts, awaited, batch, options, arguments) FROM STDIN"
    }

    func makeAsyncIterator() -> Iterator { Iterator(jobs: jobs[...], prefix: prefix, keys: keys) }

    private var prefix: [UInt8] {
        var bytes: [UInt8] = []
        for column in [Work.kind, options.queue] {
            Self.append(column.utf8, to: &bytes)
            bytes.append(UInt8(ascii: "\t"))
        }
        bytes += "\(options.priority)\t\(options.maximumAttempts)\t\(options.isAwaited)\t".utf8
        bytes += (options.batch.map { "\($0)\t" } ?? "\\N\t").utf8
        let trace = options.trace ?? TraceContext.current
        bytes += (trace.map { #"{"traceparent": "\#($0.traceparent)"}"# } ?? "\\N").utf8
        bytes.append(UInt8(ascii: "\t"))
        return bytes
    }

    struct Iterator: AsyncIteratorProtocol {
        var jobs: ArraySlice<Work>
        let prefix: [UInt8]
        let keys: Keyring

        mutating func next() async throws -> [UInt8]? {
            guard !jobs.isEmpty else { return nil }
            var chunk: [UInt8] = []
            chunk.reserveCapacity(BulkCopy.chunkBytes + 4096)
            while chunk.count < BulkCopy.chunkBytes, let job = jobs.popFirst() {
                chunk += prefix
                BulkCopy.append(try ArgumentsCoding.encode(job, keys).utf8, to: &chunk)
                chunk.append(UInt8(ascii: "\n"))
            }
            return chunk
        }
    }

    /// The text format of COPY, where a backslash, a tab and the ends of lines mean something.
    private static func append(_ text: some Sequence<UInt8>, to bytes: inout [UInt8]) {
        for byte in text {
            switch byte {
            case UInt8(ascii: "\\"): bytes += #"\\"#.utf8
            case UInt8(ascii: "\t"): bytes += #"\t"#.utf8
            case UInt8(ascii: "\n"): bytes += #"\n"#.utf8
            case UInt8(ascii: "\r"): bytes += #"\r"#.utf8
            default: bytes.append(byte)
            }
        }
    }
}

extension JobOptions {
    /// Whether these options mean the same for every row and need neither clock nor lock.
    var suitCopy: Bool {
        runAt == nil && key == nil && uniqueKey == nil && uniqueFor == nil && startWithin == nil && dependsOn.isEmpty
            && retry == nil && limits.isEmpty && slotHolder == nil
    }
}
