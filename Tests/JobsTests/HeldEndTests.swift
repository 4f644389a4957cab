import Jobs
import Platform
import Postgres
import TestSupport
import Testing

/// What somebody's open transaction holds while a job ends.
@Suite("Ends that are held up") struct HeldEndTests {
    private func registry(
        _ gate: Gate, free: Gate = Gate(), _ failures: Journal<String> = Journal()
    ) -> JobRegistry {
        var registry = JobRegistry()
        registry.register(
            Work.self, onFailure: { _, error, _ in failures.record(error) },
            handler: { work, _ in
                await (work.name == "free" ? free : gate).pass()
                if work.name == "broken" { throw Broken() }
                return .completed(.string(work.name))
            })
        return registry
    }

    /// As an administrator does, or the server at the end of its own limit.
    private func cancelWhoWaits(_ bench: JobBench) async throws {
        try await bench.until(
            """
            SELECT count(pg_cancel_backend(pid)) > 0 FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock'
            """)
    }

    @Test("A job whose row is held ends as it did once that is over, and other ends do not wait for it")
    func row() async throws {
        try await JobBench.with { bench in
            let (gate, freeGate) = (Gate(), Gate())
            var configuration = JobBench.quick()
            configuration.lockTimeout = .milliseconds(300)
            try await bench.withWorkers(registry(gate, free: freeGate), configuration) {
                let held = try await bench.queue.enqueue(Work(name: "held"))
                let free = try await bench.queue.enqueue(Work(name: "free"))
                try await bench.until("SELECT count(*) = 2 FROM jobs WHERE state = 'running'")
                try await bench.client.withTransaction { connection in
                    try await connection.query("SELECT enqueue_job('other', depends_on => ARRAY[\(held)])")
                    gate.open()
                    try await bench.untilSomebodyWaits()
                    freeGate.open()
                    #expect(try await bench.end(of: free).state == .completed)
                }
                let end = try await bench.end(of: held)
                #expect(end.state == .completed && end.result == "held")
            }
        }
    }

    @Test("Nor is a job failed whose end the server was told to give up")
    func cancelled() async throws {
        try await JobBench.with { bench in
            let gate = Gate()
            try await bench.withWorkers(registry(gate)) {
                let held = try await bench.queue.enqueue(Work(name: "held"))
                try await bench.until("SELECT count(*) = 1 FROM jobs WHERE state = 'running'")
                try await bench.client.withTransaction { connection in
                    try await connection.query("SELECT FROM jobs WHERE id = \(held) FOR UPDATE")
                    gate.open()
                    try await cancelWhoWaits(bench)
                }
                let end = try await bench.end(of: held)
                #expect(end.state == .completed && end.result == "held")
            }
        }
    }

    @Test("A failed job whose key is held ends with its onFailure once that is over")
    func onFailure() async throws {
        try await JobBench.with { bench in
            let (gate, failures) = (Gate(), Journal<String>())
            try await bench.withWorkers(registry(gate, failures)) {
                let options = JobOptions.with { ($0.key, $0.maximumAttempts) = ("k", 1) }
                let failed = try await bench.queue.enqueue(Work(name: "broken"), options)
                try await bench.until("SELECT count(*) = 1 FROM jobs WHERE state = 'running'")
                try await bench.client.withTransaction { connection in
                    try await connection.query("SELECT enqueue_job('other', key => 'k')")
                    gate.open()
                    try await cancelWhoWaits(bench)
                }
                let end = try await bench.end(of: failed)
                #expect(end.state == .failed && end.error?.contains("onFailure") == false)
                #expect(failures.entries == [end.error])
            }
        }
    }
}
