import FoundationEssentials
import Jobs
import Platform
import Postgres

/// One random command after the other, to the database and to the model, and what each of them answered.
struct History {
    let bench: JobBench
    let clock: DatabaseClock
    var random: SeededGenerator
    var model = QueueModel()
    /// Every lease there ever was: the stale ones are tried again.
    var leases: [(id: JobID, worker: Int64, claims: Int, ending: String?)] = []
    var everyWorker: [Int64] = []

    /// Where the model's clock begins: later than any clock of a machine, since what is not told a time takes that.
    static let start = "2100-01-01 00:00:00+00"
    static let startDate = Date(timeIntervalSince1970: 4_102_444_800)
    static let queues = ["default", "other"]
    static let limitNames = ["a", "b", "c"]

    static func run(seed: UInt64, steps: Int) async throws -> Discrepancy? {
        try await DatabaseClock.with(start) { bench, clock in
            var history = History(bench: bench, clock: clock, random: SeededGenerator(seed: seed))
            return try await history.run(steps)
        }
    }

    private init(bench: JobBench, clock: DatabaseClock, random: SeededGenerator) {
        (self.bench, self.clock, self.random) = (bench, clock, random)
    }

    /// What the model expected and what there was, after these steps.
    struct Discrepancy: Error, CustomStringConvertible {
        let steps: [String]
        let reason: String
        var description: String { "\(reason)\nafter:\n" + steps.joined(separator: "\n") }
    }

    private mutating func run(_ count: Int) async throws -> Discrepancy? {
        var steps: [String] = []
        for _ in 0..<2 { steps.append(try await registerWorker()) }
        for name in Self.limitNames { steps.append(try await setLimit(name)) }
        for _ in 0..<count {
            do {
                steps.append(try await step())
                try await compare()
            } catch let difference as Difference {
                return Discrepancy(steps: steps, reason: "\(difference)")
            }
        }
        return nil
    }

    private mutating func step() async throws -> String {
        switch int(0..<100) {
        case 0..<25: return try await enqueue()
        case 25..<28: return try await enqueueAll()
        case 28..<48: return try await claim()
        case 48..<66: return try await settle()
        case 66..<70: return try await cancel()
        case 70..<73: return try await wake()
        case 73..<76: return try await killWorker()
        case 76..<79: return try await rescue()
        case 79: return try await registerWorker()
        case 80..<83: return try await advance()
        case 83..<86: return try await retryOrDiscard()
        case 86: return try await bulk()
        case 87..<89: return try await batch()
        case 89..<91: return try await closeBatch()
        case 91: return try await setLimit(pick(Self.limitNames))
        case 92..<94: return try await release()
        case 94: return try await pauseOrResume()
        default: return try await schedule()
        }
    }
}

// MARK: Dice and answers

extension History {
    mutating func int(_ range: Range<Int>) -> Int { Int.random(in: range, using: &random) }

    mutating func anyJob() -> JobID { JobID.random(in: 1...max(1, model.lastID), using: &random) }

    mutating func pick<Value>(_ values: [Value]) -> Value { values[int(0..<values.count)] }

    /// The jobs that the model does not know yet.
    func newJobs() async throws -> [JobID] {
        try await bench.column("SELECT id FROM jobs WHERE id > \(model.lastID) ORDER BY id")
    }

    func unlessRefused<Result>(_ body: () async throws -> Result) async throws -> Result? {
        do {
            return try await body()
        } catch let error as PostgresError where error.sqlState == "22023" {
            return nil
        }
    }
}
