public import Jobs
import Platform
import Postgres

extension TurnIntake {
    /// Commits an event of a call as a job, in the order of the call's turns. Returns nil when no call is meant: there is
    /// none by this id, or none by the provider's.
    ///
    /// The event finds its call by our id, which the callback URL carries, else by the provider's. `sequence` is the
    /// provider's number of the event; while one event waits or runs, its repeats are the same job.
    public func record(_ event: RecordCallStatus, sequence: Int? = nil) async throws -> JobID? {
        var event = event
        if event.callID == nil { event.callID = try await callID(ofProviderCall: event.providerCallID) }
        guard let callID = event.callID else { return nil }
        let options = event.options
        let uniqueKey = "status:\(event.providerCallID):\(event.status)" + (sequence.map { ":\($0)" } ?? "")
        let rows = try await postgres.query(
            """
            SELECT enqueue_job(\(RecordCallStatus.kind), \(try JSON(encoding: event)), queue => \(options.queue),
                priority => \(options.priority), max_attempts => \(options.maximumAttempts),
                key => \(options.key), unique_key => \(uniqueKey))
            FROM calls WHERE id = \(callID)
            """)
        guard let job = try rows.first?.decode(JobID.self) else { return nil }
        queue.wakeWorkers(of: options.queue)
        return job
    }

    private func callID(ofProviderCall providerCallID: String) async throws -> Int64? {
        try await postgres.query(
            """
            SELECT id FROM calls WHERE provider = \(settings.provider) AND provider_call_id = \(providerCallID)
            """
        ).first?.decode(Int64.self)
    }
}
