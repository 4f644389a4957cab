/// From where in its queue's order (priority, id) the next claim looks. Pure.
///
/// A claim that looks from the front reads past every job that was claimed since the oldest snapshot of the server was taken,
/// because their entries cannot be removed. So a claim goes on where the last one ended. What stands before that place is found
/// by a look from the front, after every hint that there are jobs: a hint tells of all that did not come last, such as
/// what has a higher priority, was given back or let go by its key. While looks from the front are dear, they are rationed.
struct ClaimPlace {
    struct Position: Sendable, Comparable {
        let priority: Int32
        let id: JobID

        static let front = Position(priority: -1, id: 0)
        static func < (one: Position, other: Position) -> Bool { (one.priority, one.id) < (other.priority, other.id) }
    }

    /// A look from the front that takes longer is dear.
    private static let cheap = Duration.milliseconds(5)
    /// The part of the time that dear looks may take: one of so many.
    private static let share = 10
    /// The longest that one is put off.
    private static let patience = Duration.seconds(1)

    private var position = Position.front
    private var current = Position.front
    private var isHinted = false
    private var startedAt: ContinuousClock.Instant?
    /// What the last two looks from the front took, the newest first: a single slow one may be a stall.
    private var costs: [Duration] = []
    private var lookedAt: ContinuousClock.Instant?

    /// There may be jobs before the place.
    mutating func hinted() { isHinted = true }

    /// A claim starts. Returns behind which position it looks.
    mutating func begin(at now: ContinuousClock.Instant) -> Position {
        startedAt = now
        current = isDue(at: now) ? .front : position
        if current == .front { isHinted = false }
        return current
    }

    /// It has ended, and got all that it asked for or not.
    /// - Parameter last: the last of what it got, nil when none of it has a place.
    mutating func end(last: Position?, isFull: Bool, at now: ContinuousClock.Instant) {
        if current == .front, let startedAt {
            costs = [now - startedAt] + costs.prefix(1)
            lookedAt = now
        }
        position = last ?? current
        // The end of the queue: what is left stands before.
        if !isFull, current != .front { isHinted = true }
    }

    /// Whether to look from the front now.
    func isDue(at now: ContinuousClock.Instant) -> Bool {
        guard isHinted else { return false }
        guard costs.count == 2, let cost = costs.min(), cost > Self.cheap, let lookedAt else { return true }
        return now - lookedAt >= min(cost * Self.share, Self.patience)
    }
}
