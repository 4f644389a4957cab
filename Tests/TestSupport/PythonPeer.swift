import Foundation
public import Platform

/// The providers' own Python packages, in the `.venv` that `.ci/setup tests` makes: they check what we send.
public enum PythonPeer {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    private static let interpreter = root.appending(path: ".venv/bin/python")

    /// Whether a test that needs the packages is to run: they are there, or `OPERADORA_REQUIRE_PEERS=1` makes their absence
    /// a failure. For `@Test(.enabled(if: PythonPeer.isExpected))`.
    public static var isExpected: Bool {
        FileManager.default.isExecutableFile(atPath: interpreter.path) || isRequired
    }

    /// Whether a peer that is not installed makes its tests fail.
    public static var isRequired: Bool { ProcessInfo.processInfo.environment["OPERADORA_REQUIRE_PEERS"] == "1" }

    /// Runs a script that reads JSON from standard input and writes JSON to standard output. Throws with what it wrote to
    /// standard error when it fails.
    public static func run(_ script: String, input: JSON) async throws -> JSON {
        let directory = FileManager.default.temporaryDirectory.appending(path: "peer-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        // Files instead of pipes: nothing has to be read while the process runs.
        let files = try ["in", "out", "err"].map { name in
            let file = directory.appending(path: name)
            try (name == "in" ? input.data : Data()).write(to: file)
            return try name == "in" ? FileHandle(forReadingFrom: file) : FileHandle(forWritingTo: file)
        }
        let status = try await exitStatus(of: ["-c", script], files)
        guard status == 0 else {
            throw PeerFailure(output: try String(contentsOf: directory.appending(path: "err"), encoding: .utf8))
        }
        return try JSON(parsing: Data(contentsOf: directory.appending(path: "out")))
    }

    private static func exitStatus(of arguments: [String], _ files: [FileHandle]) async throws -> Int32 {
        let process = Process()
        process.executableURL = interpreter
        process.arguments = arguments
        process.standardInput = files[0]
        process.standardOutput = files[1]
        process.standardError = files[2]
        return try await withCheckedThrowingContinuation { continuation in
            process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
            do {
                try process.run()
            } catch {
                process.terminationHandler = nil
                continuation.resume(throwing: error)
            }
        }
    }
}

/// A peer refused, or could not run.
public struct PeerFailure: Error, CustomStringConvertible {
    public let output: String
    public var description: String { "the peer failed: \(output.suffix(2_000))" }
}
