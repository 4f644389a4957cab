import Jobs
import Platform

/// What happens to a queue, drawn from a seed: the same seed, the same operations and faults in the same order. When each
/// of them meets the workers is up to the machine.
struct Storm: Sendable {
    /// A job, by its place among the jobs of the storm.
    struct Plan: Sendable {
        let number: Int
        var steps = ["complete"]
        var milliseconds = 0
        var queue = "default"
        var priority = 100
        var maximumAttempts = 1000
        var key: String?
        var uniqueKey: String?
        var delay: Duration?
        var startWithin: Duration?
        var retryAfter: Duration?
        var dependsOn: [Int] = []
        var runsAfterFailure = false
        var limits: [String] = []
        var holder: String?
    }

    enum Operation: Sendable {
        case enqueue(Plan)
        /// The same as before, under the unique key that it holds for a time.
        case enqueueAgain(Int)
        case enqueueAll([Plan])
        /// The members come in two transactions, the last one with the closing.
        case batch([Plan], then: Plan)
        case cancel(Int)
        case wake(Int)
        case retry(Int)
        case discard(Int)
        case retryFailed, discardFailed
        case pause(String)
        case resume(String)
        case release(String)
    }

    enum Fault: Sendable {
        case kill(Int)
        /// SIGSTOP, longer than a worker may be silent, then SIGCONT.
        case freeze(Int, Duration)
        /// SIGTERM: a graceful stop.
        case stop(Int)
        case restartDatabase
    }

    /// Before each operation, and before each fault.
    static let pauses = (operation: 5...45, fault: 400...1600)
    static let keys = ["a", "b", "c", "d"]
    /// Slots, starts per second and burst.
    static let limits: [(name: String, slots: Int?, perSecond: Double?, burst: Int)] = [
        ("three", 3, nil, 1), ("one", 1, nil, 1), ("three a second", nil, 3, 2), ("both", 2, 5, 2),
    ]
    static let holders = ["call 1", "call 2", "call 3"]
    static let workers = 3

    let seed: UInt64
    let operations: [(pause: Duration, Operation)]
    let faults: [(pause: Duration, Fault)]

    init(seed: UInt64, operations count: Int) {
        self.seed = seed
        var dice = StormDice(seed: seed)
        operations = (0..<count).map { _ in (dice.pause(Self.pauses.operation), dice.operation()) }
        // One restart of the database at least, in the middle.
        let half = count / 60
        faults = (0..<half * 2).map { number in
            (dice.pause(Self.pauses.fault), number == half ? .restartDatabase : dice.fault())
        }
    }
}

/// Draws the operations and the faults.
private struct StormDice {
    private var random: SeededGenerator
    private var jobs = 0

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    mutating func operation() -> Storm.Operation {
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<58: return .enqueue(plan())
        case 58..<62: return .enqueueAgain(earlierJob())
        case 62..<66: return .enqueueAll((0..<Int.random(in: 1...20, using: &random)).map { _ in simplePlan() })
        case 66..<70:
            let members = (0..<Int.random(in: 0...8, using: &random)).map { _ in memberPlan() }
            var last = simplePlan()
            last.runsAfterFailure = .random(using: &random)
            return .batch(members, then: last)
        case 70..<76: return .cancel(recentJob())
        case 76..<79: return .wake(recentJob())
        case 79..<84: return .retry(earlierJob())
        case 84..<87: return .discard(recentJob())
        case 87: return .retryFailed
        case 88..<90: return .discardFailed
        case 90..<92: return .pause(pick(["default", "other"]))
        case 92..<95: return .resume(pick(["default", "other"]))
        default: return .release(pick(Storm.holders))
        }
    }

    mutating func fault() -> Storm.Fault {
        let worker = Int.random(in: 0..<Storm.workers, using: &random)
        switch Int.random(in: 0..<20, using: &random) {
        case 0..<9: return .kill(worker)
        case 9..<15: return .freeze(worker, pause(1200...3000))
        case 15..<18: return .stop(worker)
        default: return .restartDatabase
        }
    }

    private mutating func plan() -> Storm.Plan {
        var plan = memberPlan()
        switch Int.random(in: 0..<20, using: &random) {
        case 0..<5: plan.key = pick(Storm.keys)
        case 5..<8: plan.dependsOn = (0..<Int.random(in: 1...3, using: &random)).map { _ in recentJob() }
        default: break
        }
        plan.runsAfterFailure = !plan.dependsOn.isEmpty && .random(using: &random)
        switch Int.random(in: 0..<20, using: &random) {
        case 0..<2: plan.uniqueKey = pick(["x", "y", "z"])
        case 2..<5: plan.delay = pause(1...1500)
        case 5..<7: plan.startWithin = pause(1...400)
        default: break
        }
        return plan
    }

    private mutating func memberPlan() -> Storm.Plan {
        var plan = simplePlan()
        switch Int.random(in: 0..<8, using: &random) {
        case 0: plan.limits = ["three a second"]
        case 1: plan.limits = ["three", "one"]
        case 2: plan.limits = ["both"]
        case 3:
            plan.limits = ["three"]
            plan.holder = pick(Storm.holders)
        default: break
        }
        return plan
    }

    private mutating func simplePlan() -> Storm.Plan {
        jobs += 1
        var plan = Storm.Plan(number: jobs)
        plan.queue = pick(["default", "default", "default", "other"])
        plan.priority = pick([1, 100, 100])
        plan.milliseconds = pick([0, 0, 5, 60, 300, 1000])
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<60: plan.steps = [pick(["complete", "effect", "effect_at_once"])]
        case 60..<80:
            plan.steps = [
                pick(["fail", "snooze"]), pick(["fail", "snooze", "complete"]), pick(["complete", "effect"]),
            ]
            plan.retryAfter = pick([nil, pause(100...400)])
        case 80..<90:
            plan.steps = ["fail"]
            plan.maximumAttempts = Int.random(in: 1...3, using: &random)
        case 90..<94: plan.steps = [pick(["give_up", "cancel"])]
        case 94..<99:
            plan.steps = [pick(["hang", "ignore_cancellation", "too_large"]), "complete"]
        // Each takes three workers with it, and all that they ran.
        default: plan.steps = [pick(["kill", "trap"])]
        }
        return plan
    }

    /// One that exists by then.
    private mutating func earlierJob() -> Int { Int.random(in: 1...max(1, jobs - 1), using: &random) }

    /// One that may not have ended by then.
    private mutating func recentJob() -> Int { Int.random(in: max(1, jobs - 20)...max(1, jobs - 1), using: &random) }

    mutating func pause(_ milliseconds: ClosedRange<Int>) -> Duration {
        .milliseconds(Int.random(in: milliseconds, using: &random))
    }

    private mutating func pick<Value>(_ values: [Value]) -> Value {
        values[Int.random(in: 0..<values.count, using: &random)]
    }
}

extension Storm: CustomStringConvertible {
    var description: String {
        let lines = operations.map { "+\(Int($0.pause.inMilliseconds)) ms \($0.1)" }
        let faults = faults.map { "+\(Int($0.pause.inMilliseconds)) ms \($0.1)" }
        return "seed \(seed), faults:\n\(faults.joined(separator: "\n"))\noperations:\n\(lines.joined(separator: "\n"))"
    }
}

extension Storm.Plan: CustomStringConvertible {
    /// What is not as usual.
    var description: String {
        var words = ["job \(number) \(steps.joined(separator: ", ")) in \(queue), priority \(priority)"]
        if milliseconds > 0 { words.append("\(milliseconds) ms a run") }
        if maximumAttempts < 1000 { words.append("\(maximumAttempts) attempts") }
        if let key { words.append("key \(key)") }
        if let uniqueKey { words.append("unique \(uniqueKey)") }
        if let delay { words.append("after \(delay)") }
        if let startWithin { words.append("start within \(startWithin)") }
        if let retryAfter { words.append("retry after \(retryAfter)") }
        if !dependsOn.isEmpty { words.append("depends on \(dependsOn)") }
        if runsAfterFailure { words.append("runs after failure") }
        if !limits.isEmpty { words.append("limits \(limits) of \(holder ?? "itself")") }
        return words.joined(separator: "; ")
    }
}
