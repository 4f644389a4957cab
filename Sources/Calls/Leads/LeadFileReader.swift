import Platform

/// Reads a file of leads piece by piece: good rows become COPY text, bad ones go to the report.
///
/// It runs on a queue of its own: files block, and a million rows are seconds of work that the cooperative pool shall
/// not wait for.
actor LeadFileReader {
    private static let pieceBytes = 256 << 10

    private let executor = QueueExecutor(label: "operadora.lead-import")
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private let file: InputFile
    private let country: String?
    private let zones: [String: String]
    private let progress: @Sendable (LeadImportProgress) -> Void

    private var report: ImportReport
    private var parser: CSVParser?
    private var rows: LeadRowReader?
    private(set) var columns: LeadColumns?
    private var counts: LeadImportProgress
    private var isAtEnd = false

    init(
        path: String, reportPath: String, country: String?, zones: [String: String],
        progress: @escaping @Sendable (LeadImportProgress) -> Void
    ) throws {
        let file = try InputFile(path: path)
        report = try ImportReport(path: reportPath, of: file)
        self.file = file
        counts = LeadImportProgress(totalBytes: file.size)
        self.country = country
        self.zones = zones
        self.progress = progress
    }

    /// The next rows as COPY text; nil at the end of the file. Throws `LeadFileError` or `CSVError`.
    func nextPiece() throws -> [UInt8]? {
        var text: [UInt8] = []
        while text.isEmpty && !isAtEnd {
            let bytes = try file.read(upTo: Self.pieceBytes)
            isAtEnd = bytes.isEmpty
            try consume(bytes, into: &text)
            counts.bytes += bytes.count
            progress(counts)
        }
        return text.isEmpty ? nil : text
    }

    /// Rows read, good and bad; blank lines are none.
    var rowCounts: LeadImportProgress { counts }

    func reportMerged(_ rows: [(line: Int, firstLine: Int, phone: String)]) throws {
        let column = columns.map { $0.titles[$0.phoneIndex] } ?? "phone"
        for row in rows {
            try report.add(merged: row.line, into: row.firstLine, phoneColumn: column, phone: row.phone)
        }
    }

    /// Writes what the report holds: all that is left to do is to give it its name.
    func writeReport() throws { try report.flush() }

    /// Returns the report's path, or nil when there was nothing to report.
    func finishReport() throws -> String? { try report.finish() }
    func discardReport() { report.discard() }

    private func consume(_ bytes: [UInt8], into text: inout [UInt8]) throws {
        var bytes = bytes[...]
        if parser == nil {
            if bytes.isEmpty { throw LeadFileError.empty }
            bytes = try begin(bytes)
        }
        guard var parser else { return }
        self.parser = nil
        defer { self.parser = parser }
        if bytes.isEmpty {
            try parser.finish { try take($0, &text) }
            if rows == nil { throw LeadFileError.empty }
        } else {
            try parser.consume(bytes) { try take($0, &text) }
        }
    }

    /// Looks at the first bytes of the file: the encoding, and the delimiter of the header.
    private func begin(_ bytes: ArraySlice<UInt8>) throws -> ArraySlice<UInt8> {
        if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) || bytes.prefix(2).contains(0) {
            throw LeadFileError.utf16
        }
        let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]
        let text = bytes.starts(with: byteOrderMark) ? bytes.dropFirst(3) : bytes
        let header = text.drop { $0 == .lineFeed || $0 == .carriageReturn }.prefix {
            $0 != .lineFeed && $0 != .carriageReturn
        }
        parser = CSVParser(delimiter: LeadColumns.delimiter(ofHeader: header))
        return text
    }

    private func take(_ record: CSVRecord, _ text: inout [UInt8]) throws {
        guard let rows else {
            let columns = try LeadColumns(header: record)
            self.columns = columns
            rows = LeadRowReader(columns: columns, country: country, zones: zones)
            return
        }
        if record.isBlank { return }
        switch rows.read(record) {
        case .lead(let lead):
            counts.goodRows += 1
            LeadCopy.append(lead, to: &text)
        case .bad(let problems):
            counts.badRows += 1
            for problem in problems { try report.add(problem) }
        }
    }
}

/// How far an import has come.
public struct LeadImportProgress: Sendable, Hashable {
    public internal(set) var goodRows = 0
    public internal(set) var badRows = 0
    public internal(set) var bytes = 0
    /// Nil when the size is not known (a pipe).
    public internal(set) var totalBytes: Int?
}
