/// Which transfers run and which wait for their turn, without effects: only so many to one host at a time, the rest in order.
///
/// libcurl has a limit of connections for each host itself, but 7.88 forgets transfers that wait for one, until their
/// time-out.
struct HostQueue<Item> {
    private struct Waiting {
        let item: Item
        let id: ObjectIdentifier
        let deadline: ContinuousClock.Instant
    }
    private struct Host {
        var running = 0
        var waiting: [Waiting] = []
    }
    private var hosts: [String: Host] = [:]
    private let limit: Int
    /// Of all hosts.
    private(set) var waitingCount = 0

    init(limitPerHost: Int) { limit = limitPerHost }

    /// True when the item may start at once; else it waits.
    mutating func enter(
        _ item: Item, id: ObjectIdentifier, host: String, deadline: ContinuousClock.Instant
    ) -> Bool {
        if hosts[host, default: Host()].running < limit {
            hosts[host, default: Host()].running += 1
            return true
        }
        hosts[host]?.waiting.append(Waiting(item: item, id: id, deadline: deadline))
        waitingCount += 1
        return false
    }

    /// One that ran has ended. Returns the one that runs in its place.
    mutating func leave(host name: String) -> Item? {
        guard var host = hosts[name] else { return nil }
        guard !host.waiting.isEmpty else {
            host.running -= 1
            hosts[name] = host.running > 0 ? host : nil
            return nil
        }
        let next = host.waiting.removeFirst()
        waitingCount -= 1
        hosts[name] = host
        return next.item
    }

    /// Takes out the one that waits, if it does.
    mutating func remove(_ id: ObjectIdentifier) -> Item? {
        guard waitingCount > 0 else { return nil }
        return removeAll { $0.id == id }.first
    }

    /// Takes out those that have waited too long.
    mutating func removeExpired(at now: ContinuousClock.Instant) -> [Item] {
        guard waitingCount > 0 else { return [] }
        return removeAll { $0.deadline <= now }
    }

    mutating func removeAll() -> [Item] { removeAll { _ in true } }

    /// When the next one will have waited too long.
    var nextDeadline: ContinuousClock.Instant? {
        guard waitingCount > 0 else { return nil }
        return hosts.values.lazy.flatMap(\.waiting).map(\.deadline).min()
    }

    private mutating func removeAll(where isMeant: (Waiting) -> Bool) -> [Item] {
        var removed: [Item] = []
        for (name, var host) in hosts where host.waiting.contains(where: isMeant) {
            removed += host.waiting.filter(isMeant).map(\.item)
            host.waiting.removeAll(where: isMeant)
            hosts[name] = host
        }
        waitingCount -= removed.count
        return removed
    }
}
