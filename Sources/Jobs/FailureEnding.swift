import Platform
import Postgres
import Synchronization

/// Ends jobs whose kind does something when they fail: the end and what is done then are one transaction.
final class FailureEnding: Sendable {
    let client: PostgresClient
    let keys: Keyring
    let acknowledger: Acknowledger
    let announcer: Announcer
    let logger: Logger
    private let pending = Mutex<Set<JobID>>([])

    init(
        client: PostgresClient, keys: Keyring, acknowledger: Acknowledger, announcer: Announcer, logger: Logger
    ) {
        self.client = client
        self.keys = keys
        self.acknowledger = acknowledger
        self.announcer = announcer
        self.logger = logger
    }

    /// What is being ended.
    var ids: [JobID] { pending.withLock { Array($0) } }

    /// Call before `end`, which lets go of it.
    func hold(_ id: JobID) { pending.withLock { _ = $0.insert(id) } }

    /// Returns when the job has ended. Tried again for as long as the database is away, or another transaction holds the job or its
    /// key. When `onFailure` throws for another reason, the job ends without it, its error says so, and so does the log.
    func end(
        _ job: ClaimedJob, _ settlement: Settlement,
        onFailure: @escaping RegisteredKind.FailureHandler
    ) async {
        defer { pending.withLock { _ = $0.remove(job.lease.id) } }
        var pause = Duration.milliseconds(20)
        while true {
            do {
                let settled = try await transaction(job, settlement, onFailure)
                announcer.wake(settled.queues)
                if job.isAwaited { announcer.ended([job.lease.id]) }
                return
            } catch let error as PostgresError where error.code == .closed {
                // The worker has left: the job is rescued, and ended, by others.
                return
            } catch let error as PostgresError where error.mayPass {
                logger.warning("a failed job is not ended yet", metadata: metadata(job, error))
            } catch let error as NotSettled {
                logger.warning("a failed job is not ended yet", metadata: metadata(job, error.reason))
            } catch let error as OpeningError where error.isOfThisProcess {
                // Until this worker stops: then others, who have the key, end it.
                logger.error("a failed job cannot be ended here", metadata: metadata(job, error))
            } catch {
                logger.error("onFailure failed, the job ends without it", metadata: metadata(job, error))
                var settlement = settlement
                settlement.error = Settlement.line("\(settlement.error ?? "") (and its onFailure: \(error))")
                acknowledger.add(settlement, isLast: true)
                return
            }
            try? await Task.sleep(for: pause * Double.random(in: 0.5...1.5))
            pause = min(pause * 2, .seconds(5))
        }
    }

    private func transaction(
        _ job: ClaimedJob, _ settlement: Settlement,
        _ onFailure: @escaping RegisteredKind.FailureHandler
    ) async throws -> Settled {
        try await client.withTransaction { connection in
            let settled = try await settle(settlement, on: connection)
            if settled.stale.isEmpty {
                try await onFailure(job.arguments, settlement.error ?? "unknown error", connection, keys)
            }
            return settled
        }
    }

    /// Waits for the job's key, which launchers of jobs hold until they commit: for as long as the server lets it.
    private func settle(_ settlement: Settlement, on connection: PostgresConnection) async throws -> Settled {
        do {
            return try await Statements.settle([settlement], wait: true, on: connection)
        } catch let error as PostgresError where error.code == .server && !error.isAboutValues {
            throw NotSettled(reason: error)
        }
    }

    private func metadata(_ job: ClaimedJob, _ error: any Error) -> Logger.Metadata {
        ["job": "\(job.lease.id)", "kind": job.kind, "error": "\(error)"]
    }
}

/// The job has not ended, for a reason that its `onFailure` has no part in.
private struct NotSettled: Error { let reason: PostgresError }

extension PostgresError {
    /// Whether the same work may succeed later: everything but the server's refusal and a value of the wrong type.
    fileprivate var mayPass: Bool { isTransient || (code != .server && code != .decoding) }
}
