import Glibc
import Platform
import Postgres

/// Prints the figures of the bars beside what was measured. `--help` lists the subjects.
@main
enum Benchmarks {
    static let subjects: [Subject] = [
        DrainRate.subject, Scaling.subject, Growth.subject, EnqueueLatency.subject, TurnOverhead.subject,
        WebhookRate.subject, WorkerMemory.subject, ToolOverhead.subject, AgentMemory.subject, PeerRates.subject,
    ]

    static func main() async {
        do {
            let options = try BenchmarkOptions(Array(CommandLine.arguments.dropFirst()), subjects: subjects)
            if options.wantsHelp { return print(BenchmarkOptions.help(subjects)) }
            if let worker = options.workerProcess { return try await WorkerProcess.run(worker) }
            try await run(options)
        } catch {
            Report.note("benchmarks: \(error)")
            exit(error is BenchmarkOptions.UsageError ? 2 : 1)
        }
    }

    private static func run(_ options: BenchmarkOptions) async throws {
        let bench = try await Bench.start(database: options.database)
        var figures: [Figure] = []
        for subject in options.subjects {
            Report.note("measuring \(subject.name) …")
            do {
                figures += try await subject.run(bench)
            } catch {
                await bench.stop()
                throw error
            }
        }
        await bench.stop()
        print(options.wantsJSON ? Report.json(figures) : Report.table(figures))
        if figures.contains(where: { $0.holds == false }) { exit(1) }
    }
}
