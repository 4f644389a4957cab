import Jobs
import Platform
import Postgres

/// Commits events of calls as jobs; those that come during one commit share the next.
struct StatusIntake: Sendable {
    private struct Event: Sendable {
        let call: Int64?
        let providerCallID: String
        let arguments: String
        let uniqueKey: String
    }

    private static let maximumBatch = 200

    private let gatherer: Gatherer<Event, JobID?>

    init(postgres: PostgresClient, queue: JobQueue, settings: CallSettings) {
        let provider = settings.provider
        gatherer = Gatherer(
            atMost: Self.maximumBatch, whenAnErrorMayBeOneItems: Self.isOneEvents,
            run: { try await Self.take($0, of: provider, postgres, queue) })
    }

    /// Not when the server goes away, or undid it for the sake of others: then all are to come again together.
    @Sendable private static func isOneEvents(_ error: any Error) -> Bool {
        guard let error = error as? PostgresError else { return false }
        return error.code == .server && !error.isTransient
    }

    /// Nil when there is no such call.
    func take(_ event: RecordCallStatus, sequence: Int?) async throws -> JobID? {
        try await gatherer.submit(
            Event(
                call: event.callID, providerCallID: event.providerCallID, arguments: try JSON(encoding: event).text,
                uniqueKey: "status:\(event.providerCallID):\(event.status)" + (sequence.map { ":\($0)" } ?? "")))
    }

    private static func take(
        _ events: [Event], of provider: String, _ postgres: PostgresClient, _ queue: JobQueue
    ) async throws -> [JobID?] {
        let options = RecordCallStatus.defaults
        // In one order, whoever takes them: each locks the key of its call until the commit.
        let rows = try await postgres.query(
            """
            SELECT event.position, taken.job_id, taken.is_due
            FROM (
                SELECT * FROM unnest(\(events.map(\.call)), \(events.map(\.providerCallID)), \(events.map(\.arguments)),
                    \(events.map(\.uniqueKey))) WITH ORDINALITY AS e (call, sid, arguments, unique_key, position)
                ORDER BY e.call, e.sid, e.position
            ) AS event
            CROSS JOIN LATERAL take_status(event.call, \(provider), event.sid, \(RecordCallStatus.kind),
                event.arguments::jsonb, \(options.queue), \(Int32(options.priority)), \(Int32(options.maximumAttempts)),
                event.unique_key) AS taken
            """)
        var jobs = [JobID?](repeating: nil, count: events.count)
        var needsWaking = false
        for row in rows {
            let (position, job, isDue) = try row.decode(Int.self, JobID?.self, Bool?.self)
            jobs[position - 1] = job
            needsWaking = needsWaking || isDue == true
        }
        if needsWaking { queue.wakeWorkers(of: options.queue) }
        return jobs
    }
}
