public import Platform
public import Postgres

/// Exports how the whole queue is, whichever process is asked, and raises alarms. One of all processes measures it, every
/// `interval`; the others read what it found (`health` in migrations/012_health.up.sql). One of them logs, as a warning, that an alarm
/// is raised, and that it is over (`watch_alarms` in migrations/015_alarms.up.sql); one that is killed in between may not.
public final class QueueHealth: Service {
    private let client: PostgresClient
    private let interval: Duration
    private let thresholds: AlarmThresholds
    private let metrics: MetricsRegistry
    private let logger: Logger

    /// - Parameter interval: how old the figures may become.
    public init(
        _ client: PostgresClient, interval: Duration = .seconds(15), thresholds: AlarmThresholds = AlarmThresholds(),
        metrics: MetricsRegistry, logger: Logger
    ) {
        self.client = client
        self.interval = interval
        self.thresholds = thresholds
        self.metrics = metrics
        self.logger = logger
    }

    /// Exports until stopped. While the database is away the figures stay as they were, and
    /// `operadora_health_age_seconds` tells.
    public func run() async throws {
        let stopped = Alarm()
        await withGracefulStopHandler {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await self.export() }
                await stopped.wait()
                group.cancelAll()
            }
        } onGracefulStop: {
            stopped.ring()
        }
    }

    private func export() async {
        var known: Set<Figure> = []
        var knownAlarms: Set<Figure> = []
        var asked = ContinuousClock.now
        while !Task.isCancelled {
            do {
                let figures = try await measure()
                // A queue that is gone has nothing waiting.
                for gone in known.subtracting(figures.keys) { gauge(gone)?.record(0) }
                for (figure, value) in figures { gauge(figure)?.record(value) }
                known = Set(figures.keys)
                asked = .now
                try await watchAlarms(&knownAlarms)
            } catch {
                if !Task.isCancelled { logger.warning("health not measured", metadata: ["error": "\(error)"]) }
                gauge(Figure(name: "age_seconds", queue: ""))?.record((ContinuousClock.now - asked).inSeconds)
            }
            try? await Task.sleep(for: interval * Double.random(in: 0.9...1.1))
        }
    }

    private struct Figure: Hashable {
        let name: String
        let queue: String
    }

    private func measure() async throws -> [Figure: Double] {
        let rows = try await client.query(Statements.health(maximumAge: interval))
        return try rows.reduce(into: [:]) { figures, row in
            let (name, queue, value) = try row.decode(String.self, String.self, Double.self)
            figures[Figure(name: name, queue: queue)] = value
        }
    }

    private func watchAlarms(_ known: inout Set<Figure>) async throws {
        let alarms = try await QueueAlarm.watch(client, thresholds)
        let figures = Set(alarms.map { Figure(name: $0.alarm.name, queue: $0.alarm.queue) })
        for gone in known.subtracting(figures) { gauge(ofAlarm: gone).record(0) }
        known = figures
        for (alarm, hasChanged) in alarms {
            gauge(ofAlarm: Figure(name: alarm.name, queue: alarm.queue)).record(alarm.isRaised ? 1 : 0)
            if hasChanged { tell(alarm) }
        }
    }

    private func tell(_ alarm: QueueAlarm) {
        var metadata = ["alarm": alarm.name, "found": alarm.finding]
        if !alarm.queue.isEmpty { metadata["queue"] = alarm.queue }
        if alarm.isRaised { metadata["advice"] = alarm.advice }
        logger.warning(alarm.isRaised ? "alarm raised" : "alarm over", metadata: metadata)
    }

    private func gauge(ofAlarm alarm: Figure) -> Gauge {
        metrics.gauge(
            "operadora_alarm", help: "1 while the alarm is raised.",
            [("name", alarm.name)] + (alarm.queue.isEmpty ? [] : [("queue", alarm.queue)]))
    }

    /// Nil for what a newer schema measures and this version does not know.
    private func gauge(_ figure: Figure) -> Gauge? {
        guard let (metric, help) = Self.exported[figure.name] else { return nil }
        return metrics.gauge(metric, help: help, figure.queue.isEmpty ? [] : [("queue", figure.queue)])
    }

    private static let exported = [
        "queue_waiting": ("operadora_queue_waiting", "Jobs that could be claimed now, counted up to 10,000."),
        "queue_oldest_wait_seconds": (
            "operadora_queue_oldest_wait_seconds",
            "For how long the oldest of the next jobs to be claimed has been due."
        ),
        "oldest_snapshot_seconds": (
            "operadora_oldest_snapshot_seconds",
            "Age of the oldest transaction that keeps dead rows from being removed."
        ),
        "oldest_xmin_transactions": (
            "operadora_oldest_xmin_transactions",
            "The same in transactions, those of standbys and replication slots included."
        ),
        "workers_alive": ("operadora_workers_alive", "Workers whose heartbeat is heard."),
        "workers_dead": ("operadora_workers_dead", "Workers without a heartbeat that nobody has buried yet."),
        "age_seconds": ("operadora_health_age_seconds", "Since when these figures are as they are."),
    ]
}
