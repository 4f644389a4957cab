import Jobs
import Platform
import Postgres
import Testing

@Suite("Sealed jobs that do not open", .timeLimit(.minutes(2)))
struct OpeningTests {
    /// The same shape under another name.
    private struct Elsewhere: Job {
        static let kind = "elsewhere"
        static let sealing = Sealing.always
        var name = ""
    }

    private let registry: JobRegistry
    private let seen = Journal<String>()

    init() {
        var registry = JobRegistry()
        registry.register(Confidential.self) { [seen] job, _ in
            seen.record(job.name)
            return .completed()
        }
        registry.register(Elsewhere.self) { [seen] job, _ in
            seen.record(job.name)
            return .completed()
        }
        self.registry = registry
    }

    @Test("A worker without the key puts the job off unspent and says which key; one that has it runs it")
    func missingKey() async throws {
        try await JobBench.with { bench in
            var once = JobOptions()
            once.maximumAttempts = 1
            let id = try await bench.queue(keys: "2026-11").enqueue(Confidential(), once)
            for queue in [bench.queue, try bench.queue(keys: "other")] {
                let report = try await queue.drain(with: registry)
                #expect(report.counts == [.snoozed: 1])
                let error = try #require(try await bench.error(of: id))
                #expect(error.contains("key 2026-11") && error.contains("JOB_SEALING_KEYS"))
                let waits: Double = try await bench.value(
                    "SELECT extract(epoch FROM run_at - clock_timestamp())::float8 FROM jobs WHERE id = \(id)")
                #expect((40...75).contains(waits))
                try await bench.sql("SELECT wake_job(\(id))")
            }
            #expect(seen.entries.isEmpty)
            let report = try await bench.queue(keys: "2026-11").drain(with: registry)
            #expect(report.runs.map(\.attempt) == [1] && report.ids(.completed) == [id])
        }
    }

    @Test("A worker without any key does not run a kind that is always sealed: its result could not be kept")
    func noKeys() async throws {
        try await JobBench.with { bench in
            let id: JobID = try await bench.value("SELECT enqueue_job('confidential', '{\"name\": \"from SQL\"}')")
            #expect(try await bench.queue.drain(with: registry).ids(.snoozed) == [id])
            #expect(try await bench.error(of: id)?.contains("this worker has no key") == true)
            try await bench.sql("SELECT wake_job(\(id))")
            #expect(try await bench.queue(keys: "a").drain(with: registry).ids(.completed) == [id])
            #expect(seen.entries == ["from SQL"])
        }
    }

    @Test(
        "What was changed, moved from another kind, or sealed with other bytes fails by its policy and is a dead letter, sealed",
        arguments: [
            "UPDATE jobs SET arguments = jsonb_set(arguments, '{sealed,data}', '\"AAAAAAAAAAAAAAAAAAAAAAAAAAA=\"')",
            "UPDATE jobs SET arguments = jsonb_set(arguments, '{sealed,nonce}', '\"AAAAAAAAAAAAAAAA\"')",
            "UPDATE jobs SET arguments = jsonb_set(arguments, '{sealed,nonce}', '\"\"')",
            "UPDATE jobs SET arguments = jsonb_set(arguments, '{sealed,alg}', '\"none\"')",
            "UPDATE jobs SET arguments = arguments #- '{sealed,data}'",
            "UPDATE jobs SET kind = 'elsewhere'",
            "",
        ])
    func damaged(change: String) async throws {
        try await JobBench.with { bench in
            var twice = JobOptions()
            twice.maximumAttempts = 2
            let id = try await bench.queue(keys: "a").enqueue(Confidential(), twice)
            if !change.isEmpty { try await bench.sql("\(unsafe: change)") }
            let queue = try bench.queue(keys: "a", bytes: change.isEmpty ? 1 : 0)
            let report = try await queue.drain(with: registry, includingScheduled: true)
            #expect(report.runs.map(\.outcome) == [.retried, .failed])
            let errors = Set(report.runs.compactMap(\.error))
            #expect(errors.allSatisfy { $0.contains("does not open with the key a") || $0.contains("is damaged") })
            #expect(!errors.isEmpty && seen.entries.isEmpty)
            #expect(try await bench.value("SELECT arguments ? 'sealed' FROM dead_jobs WHERE id = \(id)"))
            #expect(try await !bench.allRows().contains(Confidential.secret))
        }
    }

    @Test("A retried dead letter stays sealed, and runs once its key is there")
    func retried() async throws {
        try await JobBench.with { bench in
            var once = JobOptions()
            once.maximumAttempts = 1
            let id = try await bench.queue(keys: "a").enqueue(Confidential(), once)
            #expect(try await bench.queue(keys: "a", bytes: 1).drain(with: registry).ids(.failed) == [id])
            let again = try await bench.queue.retry(id)
            #expect(try await bench.value("SELECT arguments ? 'sealed' FROM jobs WHERE id = \(again)"))
            #expect(try await bench.queue(keys: "a").drain(with: registry).ids(.completed) == [again])
            #expect(seen.entries == [Confidential.secret])
        }
    }

    @Test("A result that was moved to another job does not open")
    func movedResult() async throws {
        try await JobBench.with { bench in
            let queue = try bench.queue(keys: "a")
            var registry = registry
            registry.register(Confidential.self) { _, context in .completed(.integer(context.id)) }
            let (one, two) = (try await queue.enqueue(Confidential()), try await queue.enqueue(Confidential()))
            try await queue.drain(with: registry)
            try await bench.sql(
                "UPDATE finished_jobs SET result = (SELECT result FROM finished_jobs WHERE id = \(one)) WHERE id = \(two)"
            )
            let listening = Task { try await queue.run() }
            #expect(try await queue.result(of: one, within: .seconds(20))?.result == .integer(one))
            #expect(try await queue.result(of: two, within: .seconds(20))?.result?["sealed"] != nil)
            listening.cancel()
        }
    }

    @Test("Sealed arguments of the wrong shape fail the job without a word of what was in them")
    func undecodable() async throws {
        struct Dictionary: Job {
            static let kind = "confidential"
            static let sealing = Sealing.always
            var name = [Confidential.secret: 1]
        }
        try await JobBench.with { bench in
            let queue = try bench.queue(keys: "a")
            let id = try await queue.enqueue(Dictionary())
            #expect(try await queue.drain(with: registry).ids(.failed) == [id])
            let end = try await bench.end(of: id)
            #expect(
                end.error
                    == "the arguments are not those of confidential: what is wrong is not said, because they are sealed"
            )
        }
    }
}
