import Postgres
import Synchronization

/// Brings the progress of one run to the database and takes it away at its end: the doer of what `ProgressThrottle` decides.
final class ProgressReports: Sendable {
    private static let maximumMessageScalars = 200

    private let lease: Lease
    private let client: PostgresClient
    private let throttle = Mutex(ProgressThrottle())
    private let ended = Alarm()

    init(_ lease: Lease, client: PostgresClient) {
        self.lease = lease
        self.client = client
    }

    /// Never waits.
    func report(_ fraction: Double, _ message: String?) {
        let report = ProgressThrottle.Report(
            fraction: fraction.isNaN ? 0 : min(max(fraction, 0), 1), message: message.map(Self.line))
        if throttle.withLock({ $0.report(report) }) { start() }
    }

    /// The run is over. Nothing is written after what is being written now.
    func end() {
        if throttle.withLock({ $0.end() }) { start() } else { ended.ring() }
    }

    private func start() { Task { await work() } }

    private func work() async {
        while true {
            switch throttle.withLock({ $0.next(at: .now) }) {
            case .rest(let duration): await ended.sleep(for: duration)
            case .write(let report): await write(report)
            case .remove: return await remove()
            case .stop: return
            }
        }
    }

    private func write(_ report: ProgressThrottle.Report) async {
        do {
            let rows = try await client.query(Statements.reportProgress(lease, report))
            let isOurs = try rows.first?.decode(Bool.self) ?? false
            throttle.withLock { $0.written(isOurs: isOurs) }
        } catch let error as PostgresError where error.code == .closed {
            // The worker has left.
            throttle.withLock { $0.written(isOurs: false) }
        } catch {
            throttle.withLock { $0.failed(report) }
        }
    }

    /// Not tried again: what is left is not shown, and is pruned.
    private func remove() async { _ = try? await client.query(Statements.removeProgress(lease)) }

    /// As PostgreSQL can keep it and a terminal can show it: no NUL, one line, not endless.
    private static func line(_ message: String) -> String {
        let scalars = message.unicodeScalars.prefix(maximumMessageScalars).map { scalar in
            scalar.properties.generalCategory == .control ? " " : scalar
        }
        return String(String.UnicodeScalarView(scalars))
    }
}
