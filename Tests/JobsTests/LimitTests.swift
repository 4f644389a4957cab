import FoundationEssentials
import Jobs
import Platform
import Postgres
import Synchronization
import Testing

@Suite("Limits", .timeLimit(.minutes(2)))
struct LimitTests {
    /// How many run by name, and the most that ever did.
    private final class Gauge: Sendable {
        private let state = Mutex<[String: (now: Int, most: Int)]>([:])

        func enter(_ name: String) {
            state.withLock { state in
                let now = (state[name]?.now ?? 0) + 1
                state[name] = (now, max(now, state[name]?.most ?? 0))
            }
        }

        func leave(_ name: String) { state.withLock { $0[name]?.now -= 1 } }

        var most: [String: Int] { state.withLock { $0.mapValues(\.most) } }
    }

    private func limited(_ limits: String..., holder: String? = nil) -> JobOptions {
        .with { ($0.limits, $0.slotHolder, $0.isAwaited) = (limits, holder, true) }
    }

    private func claim(_ bench: JobBench, _ worker: Int64, _ count: Int32 = 100) async throws -> [JobID] {
        try await bench.column("SELECT id FROM claim_jobs(\(worker), 'default', ARRAY['work'], \(count)) ORDER BY id")
    }

    @Test("Under three workers no limit is ever exceeded, each is used to the full, and everything runs")
    func slots() async throws {
        try await JobBench.with { bench in
            let gauge = Gauge()
            var registry = JobRegistry()
            registry.register(Work.self) { work, _ in
                gauge.enter(work.name)
                gauge.enter("all")
                try await Task.sleep(for: .milliseconds(5))
                gauge.leave("all")
                gauge.leave(work.name)
                return .completed()
            }
            try await bench.queue.setLimit("all", slots: 6)
            for campaign in ["a", "b", "c"] { try await bench.queue.setLimit(campaign, slots: campaign == "a" ? 1 : 3) }
            for number in 0..<240 {
                let campaign = ["a", "b", "c"][number % 3]
                try await bench.queue.enqueue(Work(name: campaign), limited(campaign, "all"))
            }
            try await bench.withWorkers(registry, count: 3) {
                try await bench.until("SELECT NOT EXISTS (SELECT FROM jobs)")
            }
            let most = gauge.most
            #expect(most["a"] == 1)
            #expect(most["b"] == 3)
            #expect(most["c"] == 3)
            #expect((5...6).contains(most["all"] ?? 0))
            let held = try await bench.value("SELECT count(*) FROM job_slots", Int.self)
            #expect(held == 0)
        }
    }

    @Test("A full limit holds up neither other limits nor jobs without one, whatever their priority")
    func fullLimit() async throws {
        try await JobBench.with { bench in
            let worker = try await bench.registerWorker()
            try await bench.queue.setLimit("closed", slots: 0)
            try await bench.queue.setLimit("open", slots: 1)
            try await bench.queue.enqueue(Work(), limited("closed"))
            try await bench.queue.enqueue(Work(), limited("closed", "open"))
            let open = try await bench.queue.enqueue(Work(), .with { ($0.limits, $0.priority) = (["open"], 900) })
            let free = try await bench.queue.enqueue(Work(), .with { $0.priority = 1000 })
            #expect(try await claim(bench, worker) == [open, free])
            try await bench.queue.setLimit("closed", slots: 5)
            let one = try await claim(bench, worker)
            #expect(one.count == 1, "the other one needs the open one's slot")
        }
    }

    @Test("A slot is its holder's until that lets it go: other jobs of the holder run, those of others wait")
    func holder() async throws {
        try await JobBench.with { bench in
            let worker = try await bench.registerWorker()
            try await bench.queue.setLimit("account", slots: 1)
            let first = try await bench.queue.enqueue(Work(), limited("account", holder: "call:1"))
            let other = try await bench.queue.enqueue(Work(), limited("account", holder: "call:2"))
            #expect(try await claim(bench, worker) == [first])
            try await bench.complete(first, by: worker)
            #expect(try await claim(bench, worker) == [], "the call goes on")
            let second = try await bench.queue.enqueue(Work(), limited("account", holder: "call:1"))
            #expect(try await claim(bench, worker) == [second])
            try await bench.queue.releaseSlots(of: "call:1")
            #expect(try await claim(bench, worker) == [other])
            try await bench.queue.releaseSlots(of: "nobody")
        }
    }

    @Test("A holder of one limit needs the others all the same, and what it has let in loses that with its slots")
    func partialHolder() async throws {
        try await JobBench.with { bench in
            let worker = try await bench.registerWorker()
            for (name, slots) in [("campaign", 1), ("account", 0)] {
                try await bench.queue.setLimit(name, slots: slots)
            }
            let first = try await bench.queue.enqueue(Work(), limited("campaign", holder: "call:1"))
            #expect(try await claim(bench, worker) == [first])
            let both = try await bench.queue.enqueue(Work(), limited("campaign", "account", holder: "call:1"))
            #expect(try await claim(bench, worker) == [], "the account is full")
            try await bench.queue.setLimit("account", slots: 1)
            #expect(try await claim(bench, worker) == [both], "though its own campaign is full")
            let again = try await bench.queue.enqueue(Work(), limited("campaign", holder: "call:1"))
            #expect(try await bench.states().last == "available")
            try await bench.queue.releaseSlots(of: "call:1")
            let other = try await bench.queue.enqueue(
                Work(), .with { ($0.limits, $0.slotHolder, $0.priority) = (["campaign"], "call:2", 1) })
            #expect(try await claim(bench, worker) == [other])
            try await bench.queue.releaseSlots(of: "call:2")
            #expect(try await claim(bench, worker) == [again])
        }
    }

    @Test("Two jobs of one holder that wait for the same slot run, the second without another")
    func twoOfOneHolder() async throws {
        try await JobBench.with { bench in
            let worker = try await bench.registerWorker()
            try await bench.queue.setLimit("account", slots: 1)
            var ids: [JobID] = []
            for _ in 0..<2 { ids.append(try await bench.queue.enqueue(Work(), limited("account", holder: "call:1"))) }
            var claimed = try await claim(bench, worker)
            claimed += try await claim(bench, worker)
            #expect(claimed.sorted() == ids)
        }
    }

    @Test("A job of a kind that the worker does not know is passed over without telling anyone")
    func unknownKind() async throws {
        try await JobBench.with { bench in
            let worker = try await bench.registerWorker()
            try await bench.queue.setLimit("account", slots: 1)
            try await bench.queue.enqueue(Other(), limited("account"))
            let events = bench.client.listen(["operadora_jobs", "done"])
            var heard: [String] = []
            for await event in events {
                switch event {
                case .subscribed:
                    #expect(try await claim(bench, worker) == [])
                    try await bench.sql("SELECT pg_notify('done', '')")
                case .notification(let channel, _, _): heard.append(channel)
                }
                if heard.last == "done" { break }
            }
            #expect(heard == ["done"])
        }
    }

    @Test("A failed attempt gives its slot back; what its worker left behind keeps it until it runs again")
    func givenBack() async throws {
        try await JobBench.with { bench in
            try await bench.queue.setLimit("account", slots: 1)
            let first = try await bench.queue.enqueue(Work(), limited("account"))
            let second = try await bench.queue.enqueue(Work(), limited("account"))
            var registry = JobRegistry()
            registry.register(Work.self, retry: RetryPolicy { _ in .seconds(3600) }) { _, context in
                if context.id == first { throw Broken() }
                return .completed()
            }
            try await bench.withWorkers(registry) {
                let end = try await bench.end(of: second)
                #expect(end.state == .completed)
            }
            try await bench.sql("SELECT wake_job(\(first))")
            for _ in 1...2 {
                let victim = try await bench.registerWorker()
                #expect(try await claim(bench, victim) == [first])
                try await bench.sql("DELETE FROM workers WHERE id = \(victim)")
                try await bench.sql("SELECT rescue_jobs(10)")
                try await bench.sql("SELECT wake_job(\(first))")
            }
            #expect(try await bench.value("SELECT count(*) FROM job_slots", Int.self) == 1)
            let last = try await bench.registerWorker()
            #expect(try await claim(bench, last) == [first])
            try await bench.complete(first, by: last)
            let held = try await bench.value("SELECT count(*) FROM job_slots", Int.self)
            #expect(held == 0)
        }
    }

    @Test("No more start per second than the rate allows after the burst, and the next starts when it may")
    func rate() async throws {
        try await JobBench.with { bench in
            var registry = JobRegistry()
            registry.register(Work.self) { _, _ in .completed() }
            try await bench.queue.setLimit("dials", perSecond: 40, burst: 3)
            try await bench.queue.enqueue(all: (0..<25).map { Work(name: "\($0)") }, limited("dials"))
            var configuration = JobBench.quick()
            configuration.pollInterval = .seconds(5)
            try await bench.withWorkers(registry, configuration, count: 2) {
                try await bench.until("SELECT NOT EXISTS (SELECT FROM jobs)")
            }
            // A token is taken a moment after the clock was read for it: hence the 10 ms.
            let tooSoon = try await bench.value(
                """
                WITH started AS (SELECT claimed_at, row_number() OVER (ORDER BY claimed_at) AS number FROM finished_jobs)
                SELECT count(*) FROM started a JOIN started b ON b.number > a.number + 3
                WHERE b.claimed_at - a.claimed_at < (b.number - a.number - 3) * interval '25 ms' - interval '10 ms'
                """, Int.self)
            #expect(tooSoon == 0)
            // A token is used when it is there: at one a poll this would take a minute.
            let seconds = try await bench.value(
                "SELECT extract(epoch FROM max(claimed_at) - min(claimed_at))::float8 FROM finished_jobs", Double.self)
            #expect(seconds < 15)
        }
    }

    @Test("A limit is dropped when nobody uses it: neither a job in whatever state nor a holder")
    func drop() async throws {
        try await JobBench.with { bench in
            let worker = try await bench.registerWorker()
            try await bench.queue.setLimit("account", slots: 1)
            let first = try await bench.queue.enqueue(Work(), limited("account", holder: "call:1"))
            #expect(try await !bench.queue.dropLimit("account"), "a job waits for it")
            _ = try await claim(bench, worker)
            #expect(try await !bench.queue.dropLimit("account"), "one runs, and may come back")
            try await bench.complete(first, by: worker)
            #expect(try await !bench.queue.dropLimit("account"), "a slot is held")
            try await bench.queue.releaseSlots(of: "call:1")
            #expect(try await bench.queue.dropLimit("account"))
            #expect(try await bench.value("SELECT count(*) FROM job_lanes", Int.self) == 0)
            #expect(try await !bench.queue.dropLimit("account"), "there is none")
        }
    }

    @Test("A limit that a transaction is about to use is not dropped under its hands", arguments: [true, false])
    func dropRace(isFirstUse: Bool) async throws {
        try await JobBench.with { bench in
            try await bench.queue.setLimit("account", slots: 1)
            if !isFirstUse {
                let job = try await bench.queue.enqueue(Work(), limited("account"))
                try await bench.sql("SELECT cancel_job(\(job))")
            }
            let drop = try await bench.client.withTransaction { connection in
                try await connection.query("SELECT enqueue_job('work', limits => ARRAY['account'])")
                let drop = Task { try await bench.queue.dropLimit("account") }
                try await bench.untilSomebodyWaits()
                return drop
            }
            #expect(try await !drop.value)
            let worker = try await bench.registerWorker()
            #expect(try await claim(bench, worker).count == 1)
        }
    }

    @Test("Jobs that might start are put off, whether they wait for a limit or not; those that run are left alone")
    func putOff() async throws {
        try await JobBench.with { bench in
            let worker = try await bench.registerWorker()
            try await bench.queue.setLimit("account", slots: 1)
            let running = try await bench.queue.enqueue(Work())
            #expect(try await claim(bench, worker) == [running])
            let free = try await bench.queue.enqueue(Work())
            let waiting = try await bench.queue.enqueue(Work(), limited("account"))
            let count = try await bench.value(
                "SELECT put_off_jobs(\([running, free, waiting]), now() + interval '1 h')", Int.self)
            #expect(count == 2)
            #expect(try await claim(bench, worker) == [])
            #expect(try await bench.states() == ["running", "scheduled", "scheduled"])
            try await bench.sql("SELECT wake_job(\(free)), wake_job(\(waiting))")
            #expect(try await claim(bench, worker).sorted() == [free, waiting])
        }
    }

    @Test("Who enqueues the first job under new limits holds up nobody under one of them until the commit")
    func newLane() async throws {
        try await JobBench.with { bench in
            let worker = try await bench.registerWorker()
            for name in ["account", "campaign"] { try await bench.queue.setLimit(name, slots: 10) }
            let job = try await bench.queue.enqueue(Work(), limited("account"))
            try await bench.client.withTransaction { connection in
                try await connection.query("SELECT enqueue_job('work', limits => ARRAY['account', 'campaign'])")
                #expect(try await claim(bench, worker) == [job])
            }
        }
    }

    @Test(
        "What cannot be is refused, with what is wrong",
        arguments: [
            ("SELECT enqueue_job('work', limits => ARRAY['unknown'])", "23503"),
            ("SELECT enqueue_job('work', limits => ARRAY[]::text[])", "22023"),
            ("SELECT enqueue_job('work', holder => 'call:1')", "22023"),
            ("SELECT enqueue_job('work', holder => 'job:1', limits => ARRAY['x'])", "22023"),
            ("SELECT set_limit('x', slots => -1)", "23514"), ("SELECT set_limit('x', per_second => 'NaN')", "23514"),
            ("SELECT set_limit('x', burst => 0)", "23514"), ("SELECT set_limit('')", "23514"),
        ])
    func refused(statement: String, sqlState: String) async throws {
        try await JobBench.with { bench in
            let error = await #expect(throws: PostgresError.self) {
                try await bench.sql(PostgresQuery(unsafe: statement))
            }
            #expect(error?.sqlState == sqlState)
        }
    }
}

extension JobBench {
    /// As a worker would that has run it.
    func complete(_ id: JobID, by worker: Int64) async throws {
        let stale = try await value(
            """
            SELECT stale FROM settle_jobs(\(worker), ARRAY[\(id)], ARRAY(SELECT claims FROM jobs WHERE id = \(id)),
                ARRAY['completed'], ARRAY[''], ARRAY[''], ARRAY[0.0::float8], true)
            """, [Int64].self)
        #expect(stale == [])
    }
}
