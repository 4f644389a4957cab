import Jobs
import Platform

extension AlarmThresholds {
    init(_ reader: inout EnvironmentReader) {
        self.init()
        oldestSnapshot = reader.seconds("ALARM_SNAPSHOT_SECONDS", default: 300, in: 1...604_800)
        oldestXmin = reader.integer("ALARM_XMIN_TRANSACTIONS", default: oldestXmin, in: 1...2_000_000_000)
        deadWorkers = reader.integer("ALARM_DEAD_WORKERS", default: deadWorkers, in: 1...10_000)
        hold = reader.seconds("ALARM_HOLD_SECONDS", default: 30, in: 0...3_600)
        (oldestWait, oldestWaits) = reader.parsed(
            "ALARM_WAIT_SECONDS", default: (oldestWait, oldestWaits),
            expected: "seconds for all queues, and for some by name, such as 60,turns:5"
        ) { Self.waits($0, usual: oldestWait) }
    }

    /// `seconds` or `queue:seconds`, separated by commas; what is given replaces all that was.
    private static func waits(_ text: String, usual: Duration) -> (Duration, [String: Duration])? {
        var rest: Duration?
        var waits: [String: Duration] = [:]
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let halves = part.split(separator: ":", omittingEmptySubsequences: false).map(\.trimmed)
            guard let seconds = halves.last.flatMap({ Double($0) }), (0.1...604_800).contains(seconds) else {
                return nil
            }
            if halves.count == 1, rest == nil {
                rest = .seconds(seconds)
            } else if halves.count == 2, !halves[0].isEmpty, waits[String(halves[0])] == nil {
                waits[String(halves[0])] = .seconds(seconds)
            } else {
                return nil
            }
        }
        return (rest ?? usual, waits)
    }
}
