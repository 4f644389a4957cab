import Jobs
import Postgres
import Testing

@Suite("Slots of holders who let go", .timeLimit(.minutes(1)))
struct SlotTests {
    /// Lends a bench with a limit of one slot, a worker's row, and a job of the holder "call" that runs.
    private func with(_ body: (JobBench, _ worker: Int64, _ running: JobID) async throws -> Void) async throws {
        try await JobBench.with { bench in
            try await bench.queue.setLimit("one", slots: 1)
            let worker = try await bench.registerWorker()
            let id = try await bench.queue.enqueue(Work(), limited)
            #expect(try await claim(bench, worker) == [id])
            try await body(bench, worker, id)
        }
    }

    private var limited: JobOptions { .with { ($0.limits, $0.slotHolder) = (["one"], "call") } }

    private func claim(_ bench: JobBench, _ worker: Int64) async throws -> [JobID] {
        try await bench.column("SELECT id FROM claim_jobs(\(worker), 'default', ARRAY['work'], 10) ORDER BY id")
    }

    private func state(_ id: JobID, _ bench: JobBench) async throws -> String {
        try await bench.value("SELECT state::text FROM jobs WHERE id = \(id)")
    }

    @Test(
        "A job that comes back when its holder has let go of its slots waits for one",
        arguments: ["hand-back", "rescue", "lost claim"])
    func comesBack(how: String) async throws {
        try await with { bench, worker, id in
            try await bench.queue.releaseSlots(of: "call")
            let other = try await bench.queue.enqueue(Work(), .with { $0.limits = ["one"] })
            let survivor = try await bench.registerWorker()
            #expect(try await claim(bench, survivor) == [other])
            switch how {
            case "hand-back":
                try await bench.sql(
                    """
                    SELECT settle_jobs(\(worker), ARRAY[id], ARRAY[claims], ARRAY['release'], ARRAY[''], ARRAY[''], ARRAY[0.0::float8], true)
                    FROM jobs WHERE id = \(id)
                    """)
            case "rescue":
                try await bench.sql("DELETE FROM workers WHERE id = \(worker)")
                #expect(try await bench.value("SELECT rescued FROM rescue_jobs(10)", Int.self) == 1)
            default:
                #expect(
                    try await bench.value(
                        "SELECT release_unheld_jobs(\(worker), ARRAY[]::bigint[], interval '0')", Int.self) == 1)
            }
            #expect(try await state(id, bench) == "limited")
            #expect(try await claim(bench, survivor).isEmpty)
        }
    }

    @Test("While its holder is letting go, a job is neither started by what it held nor waits for the commit")
    func claimedMeanwhile() async throws {
        try await JobBench.with { bench in
            try await bench.queue.setLimit("one", slots: 1)
            let worker = try await bench.registerWorker()
            let first = try await bench.queue.enqueue(Work(), limited)
            let second = try await bench.queue.enqueue(Work(), limited)
            let claimed: [JobID] = try await bench.column(
                "SELECT id FROM claim_jobs(\(worker), 'default', ARRAY['work'], 1)")
            #expect(claimed == [first])
            try await bench.client.withTransaction { connection in
                try await bench.queue.releaseSlots(of: "call", in: connection)
                #expect(try await claim(bench, worker).isEmpty)
                #expect(try await state(second, bench) == "limited")
            }
            #expect(try await claim(bench, worker) == [second])
            #expect(try await bench.value("SELECT count(*) FROM job_slots", Int.self) == 1)
        }
    }

    @Test("What is enqueued while its holder is letting go needs a slot of its own")
    func enqueuedMeanwhile() async throws {
        try await with { bench, _, _ in
            let late = try await bench.client.withTransaction { connection in
                try await bench.queue.releaseSlots(of: "call", in: connection)
                return try await bench.queue.enqueue(Work(), limited)
            }
            #expect(try await state(late, bench) == "limited")
        }
    }

    @Test("Who holds one limit takes a token of the others")
    func tokensOfGuests() async throws {
        try await with { bench, worker, _ in
            try await bench.queue.setLimit("rate", slots: 10, perSecond: 0.001, burst: 1)
            let both = JobOptions.with { ($0.limits, $0.slotHolder) = (["one", "rate"], "call") }
            let id = try await bench.queue.enqueue(Work(), both)
            #expect(try await claim(bench, worker) == [id])
            let other = try await bench.queue.enqueue(Work(), .with { $0.limits = ["rate"] })
            #expect(try await claim(bench, worker).isEmpty)
            #expect(try await state(other, bench) == "limited")
        }
    }

    @Test("A job that was to be cancelled ends when the claim that nobody heard of is given back")
    func cancelledLostClaim() async throws {
        try await with { bench, worker, id in
            #expect(try await bench.queue.cancel(id))
            try await bench.sql("SELECT release_unheld_jobs(\(worker), ARRAY[]::bigint[], interval '0')")
            #expect(try await bench.end(of: id).state == .cancelled)
        }
    }
}
