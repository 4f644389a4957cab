import Platform
import Postgres

struct JobsWatch: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "watch", abstract: "Show queues, throughput and running jobs, once a second, until Ctrl-C.",
            discussion: """
                Throughput is that of the whole database over the last five seconds, by the server's own counters.
                With --json: one object a second, a line each.

                EXAMPLE:
                  operadora jobs watch --queue calls
                  operadora jobs watch --json --seconds 10
                """)
    }
    @Option(help: "Only this queue and its jobs.", valueName: "name") var queue: String?
    @Option(help: "End after so many seconds.", valueName: "number") var seconds: Double?
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard let seconds else { return }
        guard (1...1_000_000).contains(seconds) else {
            throw ValidationError("The value '\(seconds)' is invalid for '--seconds <number>': it must be at least 1")
        }
    }

    func run() async throws {
        try await Database.with { client in
            if let queue { try await QueueReference.require(queue, client) }
            let watch = QueueWatch(
                client: client, queue: queue, limit: seconds.map { .seconds($0) }, isJSON: output.json)
            let logger = Logger(label: "operadora", level: .error)
            try await ServiceGroup(services: [watch], logger: logger).run()
        }
    }
}

/// Looks once a second and shows what it saw, until a graceful stop or the end of its time.
struct QueueWatch: Service {
    static let maximumRunning = 20

    let client: PostgresClient
    /// Nil is all.
    let queue: String?
    let limit: Duration?
    let isJSON: Bool

    /// Throws when the database refuses; while it is away it says so and goes on.
    func run() async throws {
        do {
            try await cancelOnGracefulStop { try await watch() }
        } catch is CancellationError {
            // Asked to stop: a way to end like any other.
        }
    }

    private func watch() async throws {
        let start = ContinuousClock.now
        var next = start
        var throughput = Throughput()
        while limit.map({ next - start < $0 }) ?? true {
            do {
                let frame = try await look(&throughput)
                show(frame)
            } catch let error as PostgresError where error.isTransient {
                Console.printError("operadora: trying again: \(error)")
            }
            next = max(next + .seconds(1), .now)
            try await Task.sleep(until: next, clock: .continuous)
        }
    }

    private func look(_ throughput: inout Throughput) async throws -> WatchFrame {
        let results = try await client.batch([QueueCounts.query(of: queue), Throughput.query, running])
        guard results.count == 3, let sample = results[1].first else { return WatchFrame() }
        let (at, time, enqueued, ended) = try sample.decode(Double.self, String.self, Double.self, Double.self)
        throughput.add(.init(seconds: at, enqueued: enqueued, ended: ended))
        return WatchFrame(
            time: time, queues: try results[0].map { try $0.decode(JSON.self) },
            running: try results[2].map { try $0.decode(JSON.self) }, rates: throughput.rates)
    }

    private func show(_ frame: WatchFrame) {
        if isJSON {
            Console.print(frame.json.text)
        } else if Console.standardOutputIsTerminal {
            Console.redraw(frame.text(width: Console.width))
        } else {
            Console.print(frame.text(width: nil) + "\n")
        }
    }

    /// Those that say how far they are first, then those that run for longest.
    private var running: PostgresQuery {
        """
        SELECT to_jsonb(shown) FROM (
            SELECT jobs.id, jobs.kind, jobs.queue, jobs.attempt, jobs.max_attempts,
                round(extract(epoch FROM clock_timestamp() - jobs.claimed_at)::numeric, 1) AS seconds,
                (SELECT name FROM workers WHERE workers.id = jobs.worker) AS worker,
                CASE WHEN said.job_id IS NOT NULL THEN jsonb_build_object(
                    'fraction', said.fraction, 'message', said.message, 'reported_at', said.reported_at) END AS progress
            FROM (SELECT * FROM jobs WHERE state = 'running' AND (queue = \(queue) OR \(queue) IS NULL)
                ORDER BY worker LIMIT 10000) AS jobs
            LEFT JOIN progress_reports AS said ON said.job_id = jobs.id AND said.fence = jobs.claims
            ORDER BY said.job_id IS NULL, jobs.claimed_at, jobs.id LIMIT \(Self.maximumRunning)) AS shown
        """
    }
}
