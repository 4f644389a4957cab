import Synchronization

/// Who waits for which job's end. Pure: the queue looks up what is to be looked up and hands in what it found.
struct ResultWaiters {
    typealias Waiter = CheckedContinuation<JobResult?, Never>

    private var waiters: [JobID: [Int: Waiter]] = [:]
    private var nextTicket = 0
    /// Asked for, and not being looked up yet.
    private var wanted: Set<JobID> = []
    private var isLookingUp = false

    var isEmpty: Bool { waiters.isEmpty }

    mutating func ticket() -> Int {
        nextTicket += 1
        return nextTicket
    }

    mutating func add(_ waiter: Waiter, for id: JobID, ticket: Int) {
        waiters[id, default: [:]][ticket] = waiter
        wanted.insert(id)
    }

    /// The waiter's time is up or its task is cancelled. Nil when it was answered before.
    mutating func remove(_ id: JobID, ticket: Int) -> Waiter? {
        let waiter = waiters[id]?.removeValue(forKey: ticket)
        if waiters[id]?.isEmpty == true { waiters[id] = nil }
        return waiter
    }

    /// This job may have ended.
    mutating func want(_ id: JobID) {
        if waiters[id] != nil { wanted.insert(id) }
    }

    mutating func wantAll() { wanted.formUnion(waiters.keys) }

    /// What to look up now; nil while a look-up is under way, whose end asks again. Then call `found`.
    mutating func startLookUp(atMost count: Int) -> [JobID]? {
        guard !isLookingUp else { return nil }
        let ids = Array(wanted.filter { waiters[$0] != nil }.prefix(count))
        if ids.count < count { wanted = [] } else { wanted.subtract(ids) }
        guard !ids.isEmpty else { return nil }
        isLookingUp = true
        return ids
    }

    mutating func found(_ results: [JobResult]) -> [(Waiter, JobResult)] {
        isLookingUp = false
        return results.flatMap { result in
            (waiters.removeValue(forKey: result.id) ?? [:]).values.map { ($0, result) }
        }
    }
}
