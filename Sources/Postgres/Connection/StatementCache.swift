/// Which statements a connection has prepared, by text and parameter types. Bounded: the least recently used is dropped.
struct StatementCache {
    struct Key: Hashable {
        let sql: String
        let types: [UInt32]
    }

    enum Use: Equatable {
        /// Prepared and confirmed under this name.
        case prepared(String)
        /// Prepare it under this name first, dropping `evicted` (a name) on the server.
        case prepare(String, evicted: String?)
        /// Somebody is preparing it just now: send it without a name.
        case unnamed
    }

    private struct Entry {
        let name: String
        var isConfirmed = false
        var lastUse: UInt64
    }

    let capacity: Int
    private var entries: [Key: Entry] = [:]
    private var keysByName: [String: Key] = [:]
    private var clock: UInt64 = 0

    init(capacity: Int = 256) { self.capacity = capacity }

    mutating func use(_ key: Key) -> Use {
        clock += 1
        if let entry = entries[key] {
            entries[key]?.lastUse = clock
            return entry.isConfirmed ? .prepared(entry.name) : .unnamed
        }
        let evicted = entries.count >= capacity ? evictOldest() : nil
        let name = "s\(clock)"
        entries[key] = Entry(name: name, lastUse: clock)
        keysByName[name] = key
        return .prepare(name, evicted: evicted)
    }

    mutating func confirm(_ name: String) {
        if let key = keysByName[name] { entries[key]?.isConfirmed = true }
    }

    /// Preparing failed or was never reached.
    mutating func forget(_ name: String) {
        if let key = keysByName.removeValue(forKey: name) { entries[key] = nil }
    }

    mutating func forgetAll() {
        entries = [:]
        keysByName = [:]
    }

    private mutating func evictOldest() -> String? {
        let confirmed = entries.filter(\.value.isConfirmed)
        guard let oldest = confirmed.min(by: { $0.value.lastUse < $1.value.lastUse })?.value.name else { return nil }
        forget(oldest)
        return oldest
    }
}
