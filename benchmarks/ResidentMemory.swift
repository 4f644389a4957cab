import FoundationEssentials

/// What a process holds in memory, as Linux counts it.
enum ResidentMemory {
    static func megabytes(of process: Int32) throws -> Double {
        let status = try String(decoding: Data(contentsOf: URL(filePath: "/proc/\(process)/status")), as: UTF8.self)
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        let kilobytes = line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Double($0) }
        return (kilobytes ?? 0) / 1024
    }
}
