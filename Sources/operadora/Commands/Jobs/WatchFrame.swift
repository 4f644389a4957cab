import Platform
import Postgres

/// How fast jobs come and end, from the counters that the server keeps for each table: nothing is scanned for it.
struct Throughput {
    struct Sample {
        let seconds: Double
        /// Since the counters began.
        let enqueued: Double
        let ended: Double
    }

    /// Per second; nil until there are two samples.
    typealias Rates = (enqueued: Double?, ended: Double?)

    private static let window = 5.0
    private var samples: [Sample] = []

    mutating func add(_ sample: Sample) {
        samples.append(sample)
        // The oldest one kept is the one that the window begins with.
        while samples.count > 2, samples[1].seconds <= sample.seconds - Self.window { samples.removeFirst() }
    }

    /// A counter that went back (a partition was dropped, the server crashed) counts as one that stood still.
    var rates: Rates {
        guard let first = samples.first, let last = samples.last, last.seconds > first.seconds else {
            return (nil, nil)
        }
        let time = last.seconds - first.seconds
        func rate(_ difference: Double) -> Double { (max(0, difference) / time * 10).rounded() / 10 }
        return (rate(last.enqueued - first.enqueued), rate(last.ended - first.ended))
    }

    /// Seconds, the time of day (UTC), jobs enqueued and jobs ended.
    static var query: PostgresQuery {
        """
        SELECT extract(epoch FROM clock_timestamp())::double precision,
            to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
            pg_stat_get_tuples_inserted('jobs'::regclass)::double precision,
            (SELECT coalesce(sum(pg_stat_get_tuples_inserted(inhrelid)), 0)::double precision
             FROM pg_inherits WHERE inhparent = 'finished_jobs'::regclass)
        """
    }
}

/// What `jobs watch` shows at a time.
struct WatchFrame {
    var time = ""
    var queues: [JSON] = []
    var running: [JSON] = []
    var rates: Throughput.Rates = (nil, nil)

    private static let runningColumns: [Table.Column] = [
        .init("id", alignsRight: true), .init("kind"), .init("queue"), .init("attempt", alignsRight: true),
        .init("seconds", alignsRight: true), .init("progress"), .init("message"),
    ]

    var json: JSON {
        [
            "at": .string(time), "queues": .array(queues), "running": .array(running),
            "enqueued_per_second": rates.enqueued.map { .number($0) } ?? .null,
            "ended_per_second": rates.ended.map { .number($0) } ?? .null,
        ]
    }

    /// - Parameter width: columns of the terminal; nil does not shorten anything.
    func text(width: Int?) -> String {
        let speed = "enqueued \(Self.rate(rates.enqueued)), ended \(Self.rate(rates.ended))"
        var sections = ["\(time)  \(speed)", Self.table(queues.map(QueueCounts.shown), QueueCounts.columns, width)]
        if !running.isEmpty { sections.append(Self.table(running.map(Self.shown), Self.runningColumns, width)) }
        return sections.joined(separator: "\n\n")
    }

    private static func table(_ rows: [JSON], _ columns: [Table.Column], _ width: Int?) -> String {
        var table = Table(columns)
        for row in rows { table.add(columns.map { OutputOptions.cell(row[$0.title]) }) }
        return table.text(width: width)
    }

    private static func rate(_ value: Double?) -> String { value.map { "\($0)/s" } ?? "…" }

    /// With the progress as `[#####     ] 50 %`.
    private static func shown(_ job: JSON) -> JSON {
        guard case .object(var members) = job, let fraction = job["progress"]?["fraction"]?.number else { return job }
        let filled = Int((fraction * 10).rounded(.down))
        let bar = String(repeating: "#", count: filled) + String(repeating: " ", count: 10 - filled)
        members["progress"] = .string("[\(bar)] \(Int((fraction * 100).rounded(.down))) %")
        members["message"] = job["progress"]?["message"] ?? .null
        return .object(members)
    }
}
