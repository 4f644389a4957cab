import Platform
public import Postgres

/// When a figure of the queue's health is an alarm. All processes should have the same.
public struct AlarmThresholds: Sendable, Equatable {
    /// Age of the oldest transaction that keeps dead rows.
    public var oldestSnapshot: Duration = .seconds(300)
    /// The same in transactions.
    public var oldestXmin = 1_000_000
    /// For how long a job may have been due; queues with a limit of their own are not measured by it.
    public var oldestWait: Duration = .seconds(60)
    public var oldestWaits: [String: Duration] = ["turns": .seconds(5)]
    /// So many without a heartbeat, and unburied, are an alarm.
    public var deadWorkers = 1
    /// A threshold must have been crossed for so long: a worker that dies is buried, and a burst of jobs is done, by then.
    public var hold: Duration = .seconds(30)
    public init() {}
}

/// A figure beside its threshold.
public struct QueueAlarm: Sendable, Hashable {
    /// "oldest_snapshot", "oldest_xmin", "oldest_wait" or "dead_workers".
    public let name: String
    /// Empty for those of the whole.
    public let queue: String
    /// Seconds, transactions, or workers.
    public let value: Double
    public let threshold: Double
    /// Whether it is crossed; of `watch`, whether it has been for `AlarmThresholds.hold`.
    public let isRaised: Bool
    /// What to do about it.
    public let advice: String
}

extension QueueAlarm {
    /// Each alarm as it is now, crossed or not, by name and queue. Raises and tells nothing.
    public static func all(_ client: PostgresClient, _ thresholds: AlarmThresholds) async throws -> [QueueAlarm] {
        try await client.query(Statements.alarms(thresholds)).map { row in
            let (name, queue, value, threshold, isOver, advice) = try row.decode(
                String.self, String.self, Double.self, Double.self, Bool.self, String.self)
            return QueueAlarm(
                name: name, queue: queue, value: value, threshold: threshold, isRaised: isOver, advice: advice)
        }
    }

    /// Raises them and ends them; of all that ask, one is told which of them have changed.
    static func watch(
        _ client: PostgresClient, _ thresholds: AlarmThresholds
    ) async throws -> [(alarm: QueueAlarm, hasChanged: Bool)] {
        try await client.query(Statements.watchAlarms(thresholds)).map { row in
            let (name, queue, value, threshold, isRaised, hasChanged, advice) = try row.decode(
                String.self, String.self, Double.self, Double.self, Bool.self, Bool.self, String.self)
            let alarm = QueueAlarm(
                name: name, queue: queue, value: value, threshold: threshold, isRaised: isRaised, advice: advice)
            return (alarm, hasChanged)
        }
    }
}

extension Statements {
    fileprivate static func alarms(_ thresholds: AlarmThresholds) throws -> PostgresQuery {
        """
        SELECT name, queue, value, threshold, is_over, advice
        FROM alarms(\(thresholds.oldestSnapshot.inSeconds), \(Double(thresholds.oldestXmin)),
            \(thresholds.oldestWait.inSeconds), \(try thresholds.waits), \(Double(thresholds.deadWorkers)))
        """
    }

    fileprivate static func watchAlarms(_ thresholds: AlarmThresholds) throws -> PostgresQuery {
        """
        SELECT name, queue, value, threshold, is_raised, has_changed, advice
        FROM watch_alarms(\(thresholds.hold), \(thresholds.oldestSnapshot.inSeconds), \(Double(thresholds.oldestXmin)),
            \(thresholds.oldestWait.inSeconds), \(try thresholds.waits), \(Double(thresholds.deadWorkers)))
        """
    }
}

extension AlarmThresholds {
    fileprivate var waits: JSON { get throws { try JSON(encoding: oldestWaits.mapValues(\.inSeconds)) } }
}

extension QueueAlarm {
    /// The figure and its threshold, for people.
    public var finding: String {
        let unit =
            switch name {
            case "oldest_xmin": "transactions"
            case "dead_workers": "workers"
            default: "s"
            }
        return "\(Int64(value.rounded())) \(unit), threshold \(Int64(threshold.rounded(.up))) \(unit)"
    }
}
