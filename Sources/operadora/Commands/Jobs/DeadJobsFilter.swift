import FoundationEssentials
import Jobs
import Postgres

/// A point in time as a command line gives it: `2h` ago, or 2026-05-04T10:00:00Z.
struct PastTime: ExpressibleByArgument {
    enum Kind {
        /// By the database's clock.
        case ago(Duration)
        case at(Date)
    }
    let kind: Kind
    let defaultValueDescription: String

    init?(argument: String) {
        defaultValueDescription = argument
        let units: [Character: Double] = ["s": 1, "m": 60, "h": 3_600, "d": 86_400]
        if let unit = argument.last.flatMap({ units[$0] }), let count = Int(argument.dropLast()) {
            guard (0...1_000_000).contains(count) else { return nil }
            kind = .ago(.seconds(Double(count) * unit))
        } else if let date = try? Date(argument, strategy: .iso8601) {
            kind = .at(date)
        } else {
            return nil
        }
    }

    static var allValueStrings: [String] { ["an age like 90s, 30m, 6h or 2d", "a time like 2026-05-04T10:00:00Z"] }
}

/// Which dead letters a bulk command is about.
struct DeadJobsFilter: ParsableArguments {
    @Flag(help: "All dead letters: failed or expired jobs, neither retried nor discarded.") var failed: Bool
    @Option(help: "With --failed: only those of this kind.") var kind: String?
    @Option(help: "With --failed: only those of this queue.", valueName: "name") var queue: String?
    @Option(help: "With --failed: only those that ended since.", valueName: "age or time") var since: PastTime?
    @Flag(help: "With --failed: do not ask.") var yes: Bool

    /// - Parameter ids: jobs that are named one by one instead.
    func validate(with ids: [Int64]) throws {
        guard failed else {
            if ids.isEmpty {
                throw ValidationError("Missing expected argument '<id> ...', or '--failed' for all dead letters")
            }
            guard kind == nil, queue == nil, since == nil, !yes else {
                throw ValidationError("'--kind', '--queue', '--since' and '--yes' go with '--failed'")
            }
            return
        }
        guard ids.isEmpty else { throw ValidationError("Give numbers of jobs or '--failed', not both") }
    }

    /// Applies `operation` to all that match now, in transactions of 1,000. On a terminal a person is asked first, with `verb`.
    /// Returns how many there were; nil when the person did not want to.
    func apply(
        _ verb: String, _ client: PostgresClient, _ operation: (DeadJobs) async throws -> Int
    ) async throws -> Int? {
        if let queue { try await QueueReference.require(queue, client) }
        var which = DeadJobs()
        which.kind = kind
        which.queue = queue
        which.since = try await start(client)
        let matching = try await count(which, client)
        guard matching > 0 else { return 0 }
        if !yes, await !Confirmation.asks("\(verb) \(matching) dead \(matching == 1 ? "job" : "jobs")?") { return nil }
        // No more than there were: what dies again meanwhile would be taken round and round.
        var done = 0
        while done < matching {
            which.atMost = min(1_000, matching - done)
            let count = try await operation(which)
            if count == 0 { break }
            done += count
        }
        return done
    }

    private func count(_ which: DeadJobs, _ client: PostgresClient) async throws -> Int {
        try await client.query(
            """
            SELECT count(*) FROM dead_jobs
            WHERE (kind = \(which.kind) OR \(which.kind) IS NULL) AND (queue = \(which.queue) OR \(which.queue) IS NULL)
                AND finished_at >= coalesce(\(which.since), '-infinity')
            """
        ).first?.decode(Int.self) ?? 0
    }

    /// An age becomes a time once, by the database's clock: it does not move while the work goes on.
    private func start(_ client: PostgresClient) async throws -> Date? {
        switch since?.kind {
        case nil: nil
        case .ago(let age): try await client.query("SELECT clock_timestamp() - \(age)").first?.decode(Date.self)
        case .at(let date): date
        }
    }
}
