import FoundationEssentials
import Glibc
import Platform
import Testing

/// PostgreSQL's own client, as a reader of the documentation has it.
public enum Psql {
    /// Runs blocks in one session, and `between` after each. Returns what psql printed for each block, without the blanks at the
    /// ends of lines and without notifications. A statement that is refused is an issue, and ends the session.
    public static func run(_ blocks: [String], between: String, on connectionString: String) async throws -> [String] {
        let mark = "-- end of block \(UUID().uuidString)"
        let script = blocks.map { "\($0)\n\\echo '\(mark)'\n\(between)\n" }.joined()
        let directory = FileManager.default.temporaryDirectory.appending(path: "psql-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let file = directory.appending(path: "script.sql").path
        let printed = directory.appending(path: "printed").path
        try script.write(toFile: file, atomically: true, encoding: .utf8)
        let output = open(printed, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        defer { close(output) }
        let process = try ChildProcess.start(
            "psql",
            [
                "--no-psqlrc", "--quiet", "--pset=footer=off", "--set=ON_ERROR_STOP=1", "--file", file,
                connectionString,
            ], output: .descriptor(output), error: .descriptor(output))
        let exit = try await process.exit()
        let text = try String(contentsOfFile: printed, encoding: .utf8)
        #expect(exit == .status(0), "\(text.suffix(1_000))")
        return text.components(separatedBy: mark).map(tidied)
    }

    /// Text as it can be compared.
    public static func tidied(_ text: String) -> String {
        let lines = text.components(separatedBy: "\n").map { line in
            String(line.reversed().drop { $0 == " " }.reversed())
        }
        return lines.filter { !$0.isEmpty && !$0.hasPrefix("Asynchronous notification") }.joined(separator: "\n")
    }
}
