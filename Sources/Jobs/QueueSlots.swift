/// The slots of one queue in a worker, and when to claim how many jobs for them. Pure: events in, decisions out.
///
/// A queue is hungry when there may be jobs to claim: after a hint, a poll, or a claim that got all it asked for. It claims
/// when it is hungry and has room, one claim at a time. Jobs that take long are claimed when a slot is free for them.
/// Jobs that take microseconds are claimed ahead by the hundred, or the database would be asked for each.
struct QueueSlots {
    /// How much work, by time, may wait in this process. Small, because other workers could do it.
    static let ahead = Duration.milliseconds(25)
    static let maximumAhead = 1000

    let limit: Int
    private(set) var running = 0
    private(set) var waiting = Fifo<ClaimedJob>()
    private(set) var isClaiming = false
    private var isHungry = false
    private var isOpen = true
    /// Seconds that a job takes, averaged over the last few dozen; nil before the first.
    private var pace: Double?
    private var place = ClaimPlace()
    /// When the oldest of `waiting` came.
    private(set) var waitingSince: ContinuousClock.Instant?

    init(limit: Int) { self.limit = limit }

    /// There may be jobs to claim.
    mutating func becameHungry() {
        isHungry = true
        place.hinted()
    }

    /// A look from the front of the queue that was put off is due.
    func isHungryAgain(at now: ContinuousClock.Instant) -> Bool { !isHungry && place.isDue(at: now) }

    /// How many to claim now, and behind which position; nil for none. The claim is then under way until `claimed` or
    /// `claimFailed`.
    mutating func claim(at now: ContinuousClock.Instant) -> (count: Int, after: ClaimPlace.Position)? {
        guard wouldClaim else { return nil }
        isClaiming = true
        isHungry = false
        return (room, place.begin(at: now))
    }

    /// Not for every slot that becomes free while there is still plenty waiting.
    var wouldClaim: Bool { isOpen && isHungry && !isClaiming && room > 0 && room >= prefetch / 2 }

    private var room: Int { limit + prefetch - running - waiting.count }

    /// - Parameter jobs: in their queue's order.
    mutating func claimed(_ jobs: [ClaimedJob], of asked: Int, at now: ContinuousClock.Instant) {
        isClaiming = false
        let isFull = jobs.count >= asked
        place.end(last: jobs.last(where: { $0.position != nil })?.position, isFull: isFull, at: now)
        if isFull || place.isDue(at: now) { isHungry = true }
        if waiting.isEmpty { waitingSince = now }
        waiting.append(contentsOf: jobs)
    }

    /// The next hint or poll tries again: the pace of polling is the back-off.
    mutating func claimFailed() { isClaiming = false }

    /// A job for a free slot.
    mutating func start(at now: ContinuousClock.Instant) -> ClaimedJob? {
        guard isOpen, running < limit, let job = waiting.popFirst() else { return nil }
        running += 1
        waitingSince = waiting.isEmpty ? nil : now
        return job
    }

    /// A slot became free, by a run that took so long.
    mutating func freed(after duration: Duration) {
        running -= 1
        let seconds = Double(duration.components.attoseconds) / 1e18 + Double(duration.components.seconds)
        guard let before = pace else {
            pace = seconds
            return
        }
        // One slow job among quick ones is a sign at once; one quick job among slow ones is not.
        let isSign = seconds > before * 50 && seconds > 0.005
        pace = isSign ? seconds : before + (seconds - before) / 32
    }

    /// What waits here and is given back, after nothing was started for so long: the pace is not what it was.
    mutating func takeWaiting(after pause: Duration) -> [ClaimedJob] {
        pace = max(pace ?? 0, Double(pause.components.seconds))
        return takeWaiting()
    }

    /// What waits here and is given back.
    mutating func takeWaiting() -> [ClaimedJob] {
        waitingSince = nil
        return waiting.removeAll()
    }

    /// Neither claims nor starts anything any more.
    mutating func close() { isOpen = false }

    /// The jobs that the slots get done in `ahead`.
    private var prefetch: Int {
        guard let pace else { return 0 }
        let jobs = Double(limit) * (Double(Self.ahead.components.attoseconds) / 1e18) / max(pace, 1e-7)
        return min(Self.maximumAhead, Int(jobs.rounded(.down)))
    }
}
