import FoundationEssentials
import Jobs
import Platform
import Postgres
import TestSupport
import Testing

@Suite("Failover", .timeLimit(.minutes(3)))
struct FailoverTests {
    private enum Event: Sendable, Equatable {
        case run(JobID)
        /// Somebody was told that the job had completed.
        case told(JobID)
    }

    @Test("When a standby takes over from a killed primary, all goes on by itself and nothing acknowledged is lost")
    func failover() async throws {
        try await ReplicatedPair.with { pair in
            var configuration = PostgresConfiguration(connectionString: pair.connectionString)
            configuration.connectTimeout = .seconds(20)
            let client = PostgresClient(configuration, logger: Logger(label: "tests", level: .critical))
            try await JobBench.with(client, url: pair.connectionString) { bench in
                let events = Journal<Event>()
                let acknowledged = Journal<(name: String, id: JobID)>()
                var registry = JobRegistry()
                registry.register(Work.self, retry: .atOnce) { _, context in
                    events.record(.run(context.id))
                    return .completed()
                }
                let jobs = 600
                try await bench.withWorkers(registry, count: 2) {
                    async let launching: Void = launch(jobs, on: bench, acknowledged, events)
                    await acknowledged.wait(forCount: jobs / 3)
                    try await pair.primary.kill()
                    let before = acknowledged.entries.count
                    try await pair.standby.promote()
                    await acknowledged.wait(forCount: jobs)
                    try await launching
                    #expect(before < jobs, "the launcher was done before the failover")
                    try await bench.untilAfterCrash("SELECT NOT EXISTS (SELECT FROM jobs)")
                }
                try await expectNothingLost(acknowledged.entries, bench)
                expectNoRunAfterItsEnd(events.entries)
            }
        }
    }

    @Test("An enqueue that is cancelled while it waits for the standby is not called a success")
    func cancelledWait() async throws {
        try await ReplicatedPair.with { pair in
            let configuration = PostgresConfiguration(connectionString: pair.connectionString)
            let client = PostgresClient(configuration, logger: Logger(label: "tests", level: .critical))
            try await JobBench.with(client, url: pair.connectionString) { bench in
                try await bench.queue.enqueue(Work(name: "both disks"))
                try await pair.standby.kill()
                let enqueuing = Task { try await bench.queue.enqueue(Work(name: "one disk")) }
                let waits: PostgresQuery = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep')"
                try await bench.until(waits)
                enqueuing.cancel()
                let error = await #expect(throws: PostgresError.self) { try await enqueuing.value }
                #expect(error?.code == .cancelled)
            }
        }
    }

    /// Four launchers at once; each enqueues until it is told that its job exists. Every fifth waits for the result too.
    private func launch(
        _ jobs: Int, on bench: JobBench, _ acknowledged: Journal<(name: String, id: JobID)>, _ events: Journal<Event>
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for launcher in 0..<4 {
                group.addTask {
                    for number in stride(from: launcher, to: jobs, by: 4) {
                        let name = "job \(number)"
                        let id = try await enqueue(name, on: bench)
                        acknowledged.record((name, id))
                        guard number % 5 == 0 else { continue }
                        #expect(try await bench.end(of: id).state == .completed)
                        events.record(.told(id))
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    private func enqueue(_ name: String, on bench: JobBench) async throws -> JobID {
        while true {
            do {
                return try await bench.queue.enqueue(
                    Work(name: name),
                    .with {
                        $0.uniqueKey = name
                        $0.isAwaited = true
                    })
            } catch let error as PostgresError where error.isTransient {
                // It may have been committed: the unique key makes it safe to ask again.
                try Task.checkCancellation()
            }
        }
    }

    private func expectNothingLost(_ acknowledged: [(name: String, id: JobID)], _ bench: JobBench) async throws {
        let finished = try await bench.sql("SELECT id, state::text, arguments->>'name' FROM finished_jobs").map {
            try $0.decode(JobID.self, String.self, String.self)
        }
        #expect(Set(finished.map(\.0)).count == finished.count, "a job ended twice")
        #expect(finished.allSatisfy { $0.1 == "completed" })
        let nameOf = Dictionary(finished.map { ($0.0, $0.2) }, uniquingKeysWith: { first, _ in first })
        for job in acknowledged {
            #expect(nameOf[job.id] == job.name, "job \(job.id) was acknowledged and is not there")
        }
    }

    /// A completion that somebody was told of is final: its job never runs again.
    private func expectNoRunAfterItsEnd(_ events: [Event]) {
        var told: Set<JobID> = []
        for event in events {
            switch event {
            case .told(let id): told.insert(id)
            case .run(let id): #expect(!told.contains(id), "job \(id) ran after its end was told")
            }
        }
        #expect(!told.isEmpty)
    }
}
