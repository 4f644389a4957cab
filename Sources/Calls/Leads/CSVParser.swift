/// One record of a CSV file.
struct CSVRecord: Sendable, Equatable {
    /// The physical line, from 1, on which the record starts: a quoted field may hold line breaks.
    var line: Int
    /// Raw bytes, unquoted; not yet known to be UTF-8.
    var fields: [[UInt8]]
    /// The field, from 0, in which text follows a closing quote: where it ends is then a guess.
    var fieldWithTextAfterQuote: Int?

    /// Whether it is an empty line, or delimiters alone, as spreadsheets leave below their last row.
    var isBlank: Bool { fields.allSatisfy(\.isEmpty) }
}

/// What makes the rest of a file unreadable; a bad row alone is not an error.
public enum CSVError: Error, Sendable, Equatable, CustomStringConvertible {
    case unclosedQuote(line: Int)
    case recordTooLong(line: Int, limit: Int)

    public var description: String {
        switch self {
        case .unclosedQuote(let line):
            "line \(line): the quote that opens there is never closed, so where that row ends cannot be told"
        case .recordTooLong(let line, let limit):
            "line \(line): the row is longer than \(limit) bytes; is a quote before it not closed?"
        }
    }
}

/// RFC 4180 read piece by piece: whatever the size of the file, at most one record is in memory.
///
/// Beyond the RFC it takes LF and CR alone as line ends, any delimiter, and a quote inside an unquoted field as itself.
/// A record without any field (an empty line) is not reported.
struct CSVParser {
    /// More fields than this are counted but not kept.
    static let maximumFields = 1_000
    static let maximumRecordBytes = 1 << 20

    private enum State { case fieldStart, unquoted, quoted, quoteInQuoted }

    private let delimiter: UInt8
    private var state = State.fieldStart
    private var record: CSVRecord
    private var field: [UInt8] = []
    private var recordBytes = 0
    private var line: Int
    private var quoteLine = 0
    private var lastWasCR = false

    /// - Parameter line: the number of the first line that will be consumed.
    init(delimiter: UInt8, line: Int = 1) {
        self.delimiter = delimiter
        self.line = line
        record = CSVRecord(line: line, fields: [])
    }

    /// Reads the next bytes of the file and hands over each record that they complete.
    mutating func consume(_ bytes: some Sequence<UInt8>, _ emit: (CSVRecord) throws -> Void) throws {
        for byte in bytes {
            let followsCR = lastWasCR
            lastWasCR = byte == .carriageReturn
            if state == .quoted {
                try consumeQuoted(byte, followsCR)
            } else if byte == .lineFeed && followsCR {
                // The second half of a line end that was already counted.
                record.line = line
            } else if byte == .lineFeed || byte == .carriageReturn {
                try endRecord(emit)
            } else {
                try consumePlain(byte)
            }
        }
    }

    /// The end of the file: a last record needs no line end.
    mutating func finish(_ emit: (CSVRecord) throws -> Void) throws {
        if state == .quoted { throw CSVError.unclosedQuote(line: quoteLine) }
        try endRecord(emit)
    }

    private mutating func consumeQuoted(_ byte: UInt8, _ followsCR: Bool) throws {
        if byte == .quote {
            state = .quoteInQuoted
            return
        }
        if byte == .carriageReturn || (byte == .lineFeed && !followsCR) { line += 1 }
        try append(byte)
    }

    private mutating func consumePlain(_ byte: UInt8) throws {
        switch (state, byte) {
        case (.quoteInQuoted, .quote):
            state = .quoted
            try append(byte)
        case (_, delimiter):
            endField()
            try countByte()
        case (.fieldStart, .quote):
            state = .quoted
            quoteLine = line
        case (.quoteInQuoted, _):
            record.fieldWithTextAfterQuote = record.fields.count
            state = .unquoted
            try append(byte)
        default:
            state = .unquoted
            try append(byte)
        }
    }

    private mutating func append(_ byte: UInt8) throws {
        field.append(byte)
        try countByte()
    }

    private mutating func countByte() throws {
        recordBytes += 1
        guard recordBytes <= Self.maximumRecordBytes else {
            throw CSVError.recordTooLong(line: record.line, limit: Self.maximumRecordBytes)
        }
    }

    private mutating func endField() {
        if record.fields.count < Self.maximumFields { record.fields.append(field) }
        field.removeAll(keepingCapacity: true)
        state = .fieldStart
    }

    private mutating func endRecord(_ emit: (CSVRecord) throws -> Void) throws {
        let isEmptyLine = record.fields.isEmpty && state == .fieldStart
        line += 1
        defer {
            record = CSVRecord(line: line, fields: [])
            recordBytes = 0
            state = .fieldStart
        }
        if isEmptyLine { return }
        endField()
        try emit(record)
    }
}

extension UInt8 {
    static let tab: UInt8 = 0x09
    static let lineFeed: UInt8 = 0x0A
    static let carriageReturn: UInt8 = 0x0D
    static let quote: UInt8 = 0x22
    static let comma: UInt8 = 0x2C
    static let semicolon: UInt8 = 0x3B
}
