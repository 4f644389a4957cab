import FoundationEssentials
import Glibc
import Platform

/// No-op jobs drained by one worker of another queue, and of ours as many, on the same server in the same run. The peers are
/// Python; `.ci/setup peers` installs them, and without them there is nothing to measure. docs/benchmarks.md says how each is set.
enum PeerRates {
    static let subject = Subject(
        name: "peers",
        summary: "no-op jobs drained by Celery, Procrastinate and PgQueuer, beside as many of ours (.ci/setup peers)",
        run: run)

    private struct Peer {
        let name: String
        let script: String
        /// So many that a 2-core machine is busy for some seconds.
        let jobs: Int
    }

    private struct Answer: Decodable {
        let jobsPerSecond: Double
        let latencyMilliseconds: [Double]

        private enum CodingKeys: String, CodingKey {
            case jobsPerSecond = "jobs_per_second"
            case latencyMilliseconds = "latency_milliseconds"
        }
    }

    private static let peers = [
        Peer(name: "Celery", script: "celery_peer.py", jobs: 10_000),
        Peer(name: "Procrastinate", script: "procrastinate_peer.py", jobs: 2_000),
        Peer(name: "PgQueuer", script: "pgqueuer_peer.py", jobs: 50_000),
    ]
    private static let directory = "benchmarks/peers"
    private static let samples = 200
    private static let rounds = 3

    private static func run(_ bench: Bench) async throws -> [Figure] {
        // Written last by the set-up: an environment that is there in part does not count.
        guard FileManager.default.fileExists(atPath: "\(directory)/.venv/installed") else {
            Report.note("  the peers are not installed, so they are not measured: .ci/setup peers installs them")
            return []
        }
        let drain = Drain(bench, database: try await bench.database("peers"))
        var figures: [Figure] = []
        for peer in peers {
            do {
                let answer = try await ask(peer, bench)
                figures += self.figures(of: peer, answer, ours: try await ours(peer.jobs, drain))
            } catch let error as PeerFailure {
                Report.note("  \(peer.name) is left out: \(error)")
            }
        }
        await drain.close()
        return figures
    }

    private static func ours(_ jobs: Int, _ drain: Drain) async throws -> Double {
        var rates: [Double] = []
        for _ in 1...rounds {
            _ = try await drain.fill(jobs)
            rates.append(try await drain.run(jobs))
        }
        return rates.median
    }

    private static func figures(of peer: Peer, _ answer: Answer, ours: Double) -> [Figure] {
        let latency = "\(peer.name), enqueue → start, back to back"
        return [
            Figure(name: "\(peer.name), drained by one worker", value: answer.jobsPerSecond, unit: "jobs/s"),
            Figure(name: "ours, as many jobs (\(peer.jobs))", value: ours, unit: "jobs/s"),
            Figure(name: "ours ÷ \(peer.name)", value: ours / answer.jobsPerSecond, unit: ""),
            Figure(name: "\(latency): p50", value: answer.latencyMilliseconds.median, unit: "ms"),
            Figure(name: "\(latency): p99", value: answer.latencyMilliseconds.percentile(0.99), unit: "ms"),
        ]
    }

    /// Runs the peer's script, which starts and ends all that the peer needs beside PostgreSQL.
    private static func ask(_ peer: Peer, _ bench: Bench) async throws -> Answer {
        Report.note("  \(peer.name), \(peer.jobs) jobs")
        let database = try await bench.emptyDatabase("peer_\(peer.name.lowercased())")
        let home = FileManager.default.temporaryDirectory.appending(path: "operadora-peer-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: home, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: home) }
        let paths = ["answer", "said"].map { home.appending(path: $0).path }
        let files = paths.map { open($0, O_CREAT | O_WRONLY | O_CLOEXEC, 0o600) }
        defer { for file in files { close(file) } }
        let process = try ChildProcess.start(
            "\(directory)/.venv/bin/python",
            [
                "\(directory)/\(peer.script)", "--database", database, "--jobs", "\(peer.jobs)", "--samples",
                "\(samples)",
            ], output: .descriptor(files[0]), error: .descriptor(files[1]))
        let exit = try await process.exit()
        let texts = try paths.map { try String(contentsOfFile: $0, encoding: .utf8) }
        guard exit == .status(0) else { throw PeerFailure(exit: exit, said: texts[1]) }
        return try JSON(parsing: texts[0]).decode()
    }

    private struct PeerFailure: Error, CustomStringConvertible {
        let exit: ChildProcess.Exit
        let said: String
        var description: String { "it ended with \(exit): \(said.suffix(500))" }
    }
}
