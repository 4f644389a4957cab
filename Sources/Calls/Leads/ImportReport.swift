import FoundationEssentials
import Glibc

/// The report of an import: a CSV file with `line,verdict,column,value,reason`. Made with its first row, under its own
/// name only when it is complete. Of the files that are there already it replaces earlier reports alone.
struct ImportReport: ~Copyable {
    private static let flushBytes = 64 << 10
    private static let header = Array("line,verdict,column,value,reason\r\n".utf8)

    let path: String
    private var descriptor: Int32 = -1
    private var buffer: [UInt8] = []

    /// Writes nothing yet. Throws `LeadFileError.notWritable` when the report would take the place of `input` or of another
    /// file that is no report.
    init(path: String, of input: InputFile) throws {
        for taken in [path, path + ".partial"] { try Self.check(taken, input) }
        self.path = path
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Whether there was anything to report.
    var exists: Bool { descriptor >= 0 }
    private var partialPath: String { path + ".partial" }

    mutating func add(_ problem: LeadRowProblem) throws {
        try add(line: problem.line, "bad", problem.column, problem.value, problem.reason)
    }

    mutating func add(merged line: Int, into firstLine: Int, phoneColumn: String, phone: String) throws {
        try add(
            line: line, "merged", phoneColumn, phone,
            "is the phone of line \(firstLine) too: what that row leaves empty was filled from this one")
    }

    /// Gives the file its name, once `flush` has written all of it. Returns nil when there was nothing to report.
    mutating func finish() throws -> String? {
        guard exists else { return nil }
        guard close(descriptor) == 0, rename(partialPath, path) == 0 else { throw failure() }
        descriptor = -1
        return path
    }

    /// Removes what was written: the import failed as a whole.
    mutating func discard() {
        guard exists else { return }
        close(descriptor)
        descriptor = -1
        unlink(partialPath)
    }

    private mutating func add(
        line: Int, _ verdict: String, _ column: String, _ value: String, _ reason: String
    ) throws {
        if !exists { try open() }
        let cells = [String(line), verdict, column, value, reason].map(Self.quoted)
        buffer += Array((cells.joined(separator: ",") + "\r\n").utf8)
        if buffer.count >= Self.flushBytes { try flush() }
    }

    private mutating func open() throws {
        descriptor = Glibc.open(partialPath, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure() }
        buffer = Self.header
    }

    /// Writes what was added.
    mutating func flush() throws {
        var written = 0
        while written < buffer.count {
            let count = buffer[written...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw failure() }
            written += count
        }
        buffer.removeAll(keepingCapacity: true)
    }

    /// An empty file is what an import that was killed leaves, or `mktemp` makes.
    private static func check(_ path: String, _ input: InputFile) throws {
        var status = stat()
        guard stat(path, &status) == 0 else { return }
        if input.isSame(status) { throw LeadFileError.notWritable(path: path, reason: "it is the file of the leads") }
        guard status.st_mode & S_IFMT == S_IFREG, status.st_size == 0 || beginsWithHeader(path) else {
            throw LeadFileError.notWritable(path: path, reason: "it is there already, and is no report of an import")
        }
    }

    private static func beginsWithHeader(_ path: String) -> Bool {
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var start = [UInt8](repeating: 0, count: header.count)
        return read(descriptor, &start, start.count) == start.count && start == header
    }

    private func failure() -> LeadFileError {
        .notWritable(path: path, reason: String(cString: strerror(errno)))
    }

    /// Quoted where RFC 4180 wants it. A value that a spreadsheet would take for a formula gets an apostrophe, except
    /// for plain numbers such as +123.
    private static func quoted(_ cell: String) -> String {
        var cell = cell
        if let first = cell.first, "=@+-".contains(first),
            !("+-".contains(first) && cell.dropFirst().allSatisfy { $0.isNumber || " ().-".contains($0) })
        {
            cell = "'" + cell
        }
        guard cell.contains(where: { ",\"\r\n".contains($0) || $0.isNewline }) else { return cell }
        return "\"" + cell.replacing("\"", with: "\"\"") + "\""
    }
}
