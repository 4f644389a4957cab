import Platform
import Synchronization

/// Results that answer the same call again for as long as their tool says. Safe to use from any task; share one among the
/// executors of a process.
///
/// Bounded: the entry that would end first makes room. Only successes are kept.
public final class ToolResultCache: Sendable {
    private struct Entry {
        let result: ToolResult
        let end: ContinuousClock.Instant
        let bytes: Int
    }

    private struct State {
        var entries: [String: Entry] = [:]
        var bytes = 0

        mutating func remove(_ key: String) {
            if let entry = entries.removeValue(forKey: key) { bytes -= entry.bytes }
        }
    }

    private let maximumEntries: Int
    private let maximumBytes: Int
    private let now: @Sendable () -> ContinuousClock.Instant
    private let state = Mutex(State())

    /// - Parameter maximumBytes: of keys and results as JSON text.
    public convenience init(maximumEntries: Int = 1_000, maximumBytes: Int = 4 << 20) {
        self.init(maximumEntries: maximumEntries, maximumBytes: maximumBytes) { .now }
    }

    init(maximumEntries: Int, maximumBytes: Int, now: @escaping @Sendable () -> ContinuousClock.Instant) {
        self.maximumEntries = maximumEntries
        self.maximumBytes = maximumBytes
        self.now = now
    }

    public func removeAll() { state.withLock { $0 = State() } }

    func result(_ tool: any Tool, _ arguments: JSON) -> ToolResult? {
        guard tool.cacheLifetime != nil else { return nil }
        let key = Self.key(tool, arguments)
        let now = now()
        return state.withLock { state in
            guard let entry = state.entries[key] else { return nil }
            if entry.end > now { return entry.result }
            state.remove(key)
            return nil
        }
    }

    func keep(_ result: ToolResult, of tool: any Tool, _ arguments: JSON) {
        guard let lifetime = tool.cacheLifetime, result.success else { return }
        let key = Self.key(tool, arguments)
        let entry = Entry(
            result: result, end: now() + lifetime, bytes: key.utf8.count + result.value.bytes.count)
        guard entry.bytes <= maximumBytes else { return }
        state.withLock { state in
            state.remove(key)
            while state.entries.count >= maximumEntries || state.bytes + entry.bytes > maximumBytes {
                guard let first = state.entries.min(by: { $0.value.end < $1.value.end }) else { return }
                state.remove(first.key)
            }
            state.entries[key] = entry
            state.bytes += entry.bytes
        }
    }

    /// The text of arguments has sorted keys: equal ones have equal keys. No tool's name has a line's end.
    private static func key(_ tool: any Tool, _ arguments: JSON) -> String {
        "\(tool.description.name)\n\(tool.cacheScope.utf8.count) \(tool.cacheScope)\n\(arguments.text)"
    }
}
