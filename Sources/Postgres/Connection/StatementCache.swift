/// Which statements a connection has prepared, by text and parameter types. Bounded: the least recently used is dropped.
///
/// A name counts as prepared from the moment that preparing it is sent, since the server works in order. When it fails, who
/// used the name meanwhile gets SQLSTATE 26000 and is sent again.
struct StatementCache {
    struct Key: Hashable {
        let sql: String
        let types: [UInt32]
    }

    enum Use: Equatable {
        case prepared(String)
        /// Prepare it under this name first, and drop `evicted` (a name) on the server.
        case prepare(String, evicted: String?)
        /// The cache is off.
        case unnamed
    }

    private struct Entry {
        let name: String
        var lastUse: UInt64
    }

    let capacity: Int
    private var entries: [Key: Entry] = [:]
    private var keys: [String: Key] = [:]
    private var clock: UInt64 = 0

    init(capacity: Int) { self.capacity = capacity }

    mutating func use(_ key: Key) -> Use {
        guard capacity > 0 else { return .unnamed }
        clock += 1
        if let name = entries[key]?.name {
            entries[key]?.lastUse = clock
            return .prepared(name)
        }
        let evicted = entries.count >= capacity ? evictOldest() : nil
        // Never a name that was used before: it may still be in flight.
        let name = "s\(clock)"
        entries[key] = Entry(name: name, lastUse: clock)
        keys[name] = key
        return .prepare(name, evicted: evicted)
    }

    /// Preparing failed, was never reached, or is out of date.
    mutating func forget(_ name: String) {
        if let key = keys.removeValue(forKey: name) { entries[key] = nil }
    }

    /// The server has none of them any more.
    mutating func forgetAll() {
        entries = [:]
        keys = [:]
    }

    private mutating func evictOldest() -> String? {
        guard let oldest = entries.values.min(by: { $0.lastUse < $1.lastUse })?.name else { return nil }
        forget(oldest)
        return oldest
    }
}
