import Jobs
import Platform
import Postgres
import TestSupport
import Testing

@Suite("Alarms", .timeLimit(.minutes(2)))
struct QueueAlarmTests {
    private struct Seen: Hashable {
        let name: String
        let isRaised: Bool
        let hasChanged: Bool
    }

    /// What one look at the alarms of the queue `calls` says.
    private func look(_ bench: JobBench, hold: Duration = .zero, wait: Double = 60) async throws -> Set<Seen> {
        let rows = try await bench.sql(
            """
            SELECT name, is_raised, has_changed
            FROM watch_alarms(\(hold), 300, 1000000, \(wait), '{}', 1) WHERE queue = 'calls'
            """)
        return Set(
            try rows.map { row in
                let (name, isRaised, hasChanged) = try row.decode(String.self, Bool.self, Bool.self)
                return Seen(name: name, isRaised: isRaised, hasChanged: hasChanged)
            })
    }

    private func waiting(_ bench: JobBench, in queue: String = "calls", for seconds: Int32 = 100) async throws {
        try await bench.sql("INSERT INTO queues (name) VALUES (\(queue)) ON CONFLICT DO NOTHING")
        try await bench.sql(
            "INSERT INTO jobs (kind, queue, run_at) VALUES ('work', \(queue), now() - \(seconds) * interval '1 s')")
        try await bench.sql("SELECT health('0')")
    }

    private func raised(_ bench: JobBench, _ query: PostgresQuery) async throws -> [String] {
        try await bench.sql("SELECT health('0')")
        return try await bench.column(query)
    }

    @Test("An alarm is raised and over once, and of many who look one is told")
    func once() async throws {
        try await JobBench.with { bench in
            try await waiting(bench)
            for isRaised in [true, false] {
                let seen = try await withThrowingTaskGroup(of: Set<Seen>.self) { group in
                    for _ in 0..<16 { group.addTask { try await look(bench) } }
                    return try await group.reduce(into: [Seen]()) { $0 += $1 }
                }
                #expect(seen.filter(\.hasChanged) == [Seen(name: "oldest_wait", isRaised: isRaised, hasChanged: true)])
                // What all are told afterwards.
                #expect(
                    try await look(bench) == [Seen(name: "oldest_wait", isRaised: isRaised, hasChanged: false)])
                try await bench.sql("DELETE FROM jobs")
                try await bench.sql("SELECT health('0')")
            }
            #expect(try await bench.value("SELECT count(*) FROM alarm_states", Int.self) == 0)
        }
    }

    @Test("A threshold that is crossed for a moment raises nothing; for as long as it must be, it does")
    func hold() async throws {
        try await JobBench.with { bench in
            try await waiting(bench)
            for _ in 0..<2 {
                #expect(
                    try await look(bench, hold: .seconds(600))
                        == [Seen(name: "oldest_wait", isRaised: false, hasChanged: false)])
            }
            try await bench.sql("UPDATE alarm_states SET over_since = over_since - interval '600 s'")
            #expect(
                try await look(bench, hold: .seconds(600))
                    == [Seen(name: "oldest_wait", isRaised: true, hasChanged: true)])
            // Never raised, it is not over either.
            try await bench.sql("DELETE FROM alarm_states")
            _ = try await look(bench, hold: .seconds(600))
            #expect(
                try await look(bench, wait: 1_000)
                    == [Seen(name: "oldest_wait", isRaised: false, hasChanged: false)])
        }
    }

    @Test("A queue's own threshold goes before that of the others, and a paused queue waits as it was told")
    func thresholds() async throws {
        try await JobBench.with { bench in
            for queue in ["turns", "calls", "default"] { try await waiting(bench, in: queue, for: 50) }
            let over: PostgresQuery = "SELECT queue FROM alarms() WHERE is_over"
            #expect(try await raised(bench, over) == ["turns"])
            let own: PostgresQuery =
                "SELECT queue FROM alarms(wait_seconds => 10, queue_wait_seconds => '{\"calls\": 3600}') WHERE is_over"
            #expect(try await raised(bench, own) == ["default", "turns"])
            try await bench.sql("SELECT pause_queue('default')")
            #expect(try await raised(bench, own) == ["turns"])
        }
    }

    @Test("An old snapshot, in seconds and in transactions, and a dead worker are alarms, and say what to do")
    func others() async throws {
        try await JobBench.with { bench in
            let over: PostgresQuery = """
                SELECT name FROM alarms(snapshot_seconds => 0.001, xmin_transactions => 3)
                WHERE is_over AND value >= threshold AND advice <> ''
                """
            #expect(try await raised(bench, over) == [])
            let worker = try await bench.registerWorker()
            #expect(try await raised(bench, over) == [])
            try await bench.sql("UPDATE workers SET heartbeat_at = now() - interval '1 day' WHERE id = \(worker)")
            try await bench.client.withConnection { holder in
                try await holder.query("BEGIN ISOLATION LEVEL REPEATABLE READ")
                try await holder.query("SELECT count(*) FROM jobs")
                for _ in 0..<3 { try await bench.queue.enqueue(Work()) }
                #expect(try await raised(bench, over) == ["dead_workers", "oldest_snapshot", "oldest_xmin"])
                try await holder.query("ROLLBACK")
            }
            #expect(try await raised(bench, over) == ["dead_workers"])
        }
    }

    @Test("However many processes watch, one says that an alarm is raised and one that it is over; each exports it")
    func processes() async throws {
        try await JobBench.with { bench in
            let lines = Journal<String>()
            let logger = Logger(label: "tests", level: .warning) { lines.record($0) }
            var thresholds = AlarmThresholds()
            thresholds.hold = .zero
            let registries = (0..<4).map { _ in MetricsRegistry() }
            let running = registries.map { metrics in
                Task { [thresholds] in
                    try await QueueHealth(
                        bench.client, interval: .milliseconds(20), thresholds: thresholds, metrics: metrics,
                        logger: logger
                    ).run()
                }
            }
            defer { for task in running { task.cancel() } }
            for number in 1...2 {
                try await waiting(bench)
                for (value, count) in [(1, 2 * number - 1), (0, 2 * number)] {
                    await lines.wait(forCount: count)
                    for metrics in registries {
                        let line = #"operadora_alarm{name="oldest_wait",queue="calls"} \#(value)"#
                        #expect(
                            try await eventually {
                                _ = try await bench.sql("SELECT 1")
                                return metrics.render().contains(line)
                            })
                    }
                    try await bench.sql("DELETE FROM jobs")
                }
            }
            #expect(lines.entries.count == 4)
            for (index, line) in lines.entries.enumerated() {
                #expect(line.contains(index % 2 == 0 ? "alarm raised" : "alarm over"))
                #expect(line.contains("oldest_wait") && line.contains("calls"))
            }
            #expect(registries[0].render().contains(#"operadora_alarm{name="dead_workers"} 0"#))
        }
    }
}
