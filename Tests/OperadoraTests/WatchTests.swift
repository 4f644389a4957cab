import Glibc
import Platform
import Postgres
import Testing

@testable import operadora

@Suite("operadora jobs watch", .timeLimit(.minutes(2)))
struct WatchTests {
    /// A job that runs and has said that it is half done, another that waits, in two queues.
    private func bench() async throws -> CommandBench {
        let bench = try await CommandBench()
        try await bench.sql("SELECT enqueue_job('work', queue => 'calls'), enqueue_job('mail')")
        try await bench.sql("SELECT register_worker('w', ARRAY['calls', 'default'], ARRAY['work'], interval '1 h')")
        try await bench.sql(
            "SELECT report_progress(id, 0.5, 'half', 1, claims) FROM claim_jobs(1, 'calls', ARRAY['work'], 1)")
        return bench
    }

    @Test("With --json it prints an object a second and ends by itself after --seconds")
    func json() async throws {
        let run = try await bench().run("jobs", "watch", "--json", "--seconds", "3", "--queue", "calls")
        #expect(run.exit == .status(0) && run.error.isEmpty)
        let frames = try run.output.split(separator: "\n").map { try JSON(parsing: String($0)) }
        #expect((1...3).contains(frames.count))
        for frame in frames {
            #expect(frame["queues"]?.array?.compactMap { $0["queue"]?.string } == ["calls"])
            #expect(frame["running"]?[0]?["progress"]?["fraction"] == 0.5)
        }
        #expect(frames.first?["ended_per_second"] == .null)
        #expect(frames.dropFirst().allSatisfy { $0["ended_per_second"]?.number != nil })
    }

    @Test("On a terminal it draws over itself, and Ctrl-C ends it as one of its ends")
    func terminal() async throws {
        let bench = try await bench()
        let terminal = try Terminal(["jobs", "watch"], bench.environment)
        defer { terminal.close() }
        #expect(await terminal.screen.line { $0.hasPrefix("\u{1B}[H") } != nil)
        #expect(await terminal.screen.line { $0.contains("[#####     ] 50 %") && $0.contains("half") } != nil)
        // Drawn again from the top.
        #expect(await terminal.screen.line { $0.contains("\u{1B}[H") } != nil)
        terminal.process.signal(SIGINT)
        #expect(try await terminal.process.exit() == .status(0))
    }

    @Test("Throughput is the slope of the counters over the last five seconds, and never negative")
    func throughput() {
        var throughput = Throughput()
        throughput.add(.init(seconds: 100, enqueued: 1_000, ended: 500))
        #expect(throughput.rates.enqueued == nil && throughput.rates.ended == nil)
        for second in 1...10 {
            let faster = Double(max(0, second - 5)) * 90
            throughput.add(
                .init(seconds: 100 + Double(second), enqueued: 1_000 + Double(second) * 10, ended: 500 + faster))
        }
        #expect(throughput.rates.enqueued == 10 && throughput.rates.ended == 90)
        // The counters begin anew.
        throughput.add(.init(seconds: 111, enqueued: 0, ended: 0))
        #expect(throughput.rates.enqueued == 0 && throughput.rates.ended == 0)
    }
}
