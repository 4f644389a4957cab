import Postgres
import Synchronization

/// Brings the progress of one run to the database and takes it away at its end: the doer of what `ProgressThrottle` decides.
final class ProgressReports: Sendable {
    private static let maximumMessageScalars = 200

    private let lease: Lease
    private let client: PostgresClient
    private let state = Mutex(State())

    private struct State {
        var throttle = ProgressThrottle()
        /// Rings at the end of the run. Made with the first report: most runs never say anything.
        var ended: Alarm?
    }

    init(_ lease: Lease, client: PostgresClient) {
        self.lease = lease
        self.client = client
    }

    /// Never waits.
    func report(_ fraction: Double, _ message: String?) {
        let report = ProgressThrottle.Report(
            fraction: fraction.isNaN ? 0 : min(max(fraction, 0), 1), message: message.map(Self.line))
        let toStart = state.withLock { state -> Alarm? in
            guard state.throttle.report(report) else { return nil }
            let ended = state.ended ?? Alarm()
            state.ended = ended
            return ended
        }
        if let toStart { start(toStart) }
    }

    /// The run is over. Nothing is written after what is being written now.
    func end() {
        let (isToStart, ended) = state.withLock { ($0.throttle.end(), $0.ended) }
        guard let ended else { return }
        if isToStart { start(ended) } else { ended.ring() }
    }

    private func start(_ ended: Alarm) { Task { await work(ended) } }

    private func work(_ ended: Alarm) async {
        while true {
            switch state.withLock({ $0.throttle.next(at: .now) }) {
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
            state.withLock { $0.throttle.written(isOurs: isOurs) }
        } catch let error as PostgresError where error.code == .closed {
            // The worker has left.
            state.withLock { $0.throttle.written(isOurs: false) }
        } catch {
            state.withLock { $0.throttle.failed(report) }
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
