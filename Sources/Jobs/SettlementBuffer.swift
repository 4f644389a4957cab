/// Collects the ends of jobs into batches. Pure: says when to flush, the acknowledger does it.
///
/// One flush is under way at a time, so under load each carries what gathered during the one before. When a flush carried
/// many, the next waits a little to carry more; when it carried few, the next end goes out at once.
struct SettlementBuffer {
    enum Action {
        case none
        /// Send these, then call `flushed`.
        case flush([Settlement])
        /// Call `timeIsUp` after `gathering`.
        case startTimer
    }

    static let gathering = Duration.milliseconds(2)
    static let many = 32
    /// Flushed without waiting for more.
    static let enough = 256
    static let maximumBatch = 1000
    /// With so many not yet acknowledged, runs wait before they start more.
    static let maximumBacklog = 4000

    private var pending: [Settlement] = []
    private var inFlight: [Settlement] = []
    /// Wait for something that another transaction holds; the others do not wait for them.
    private var postponed: [JobID: Settlement] = [:]
    private var lastBatch = 0
    private var isTimerSet = false

    var isFull: Bool { pending.count + inFlight.count + postponed.count >= Self.maximumBacklog }
    var isEmpty: Bool { pending.isEmpty && inFlight.isEmpty && postponed.isEmpty }
    var ids: [JobID] { (pending + inFlight).map(\.lease.id) + postponed.keys }

    /// - Parameter isLast: nothing else runs that could end soon.
    mutating func add(_ settlement: Settlement, isLast: Bool) -> Action {
        pending.append(settlement)
        return decide(isLast: isLast)
    }

    mutating func timeIsUp() -> Action {
        isTimerSet = false
        return decide(isLast: true)
    }

    /// The flush is over. Those that it has put off are to come back by `retry`.
    mutating func flushed(putOff: [Settlement]) -> Action {
        lastBatch = inFlight.count
        inFlight = []
        for settlement in putOff { postponed[settlement.lease.id] = settlement }
        return decide(isLast: false)
    }

    mutating func retry(_ settlements: [Settlement]) -> Action {
        for settlement in settlements { postponed[settlement.lease.id] = nil }
        pending += settlements
        return decide(isLast: true)
    }

    private mutating func decide(isLast: Bool) -> Action {
        guard inFlight.isEmpty, !pending.isEmpty else { return .none }
        if isLast || lastBatch < Self.many || pending.count >= Self.enough { return .flush(takeBatch()) }
        guard !isTimerSet else { return .none }
        isTimerSet = true
        return .startTimer
    }

    private mutating func takeBatch() -> [Settlement] {
        inFlight = Array(pending.prefix(Self.maximumBatch))
        pending.removeFirst(inFlight.count)
        return inFlight
    }
}
