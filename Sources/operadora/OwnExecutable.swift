import FoundationEssentials

enum OwnExecutable {
    /// Where the running program is, by whatever name it was started.
    static func path() throws -> String { try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") }
}
