import Platform
import Postgres

/// The loops of a worker for the schedules of the database. Every worker runs both; that any number do at once is settled by
/// the database (locked rows are skipped, ticks are unique).
struct CronUpkeep: Sendable {
    private static let batch = 100
    /// Declared again so often: when the workers of a newer version are gone, this one's definitions are the newest.
    private static let declareInterval = Duration.seconds(60)
    /// When another worker is at what is due.
    private static let shortPause = Duration.milliseconds(100)

    let core: WorkerCore
    let pollInterval: Duration

    /// Makes the schedules of the registry rows of the database.
    func declare() async {
        var schedules = core.registry.cronSchedules
        while !Task.isCancelled, !schedules.isEmpty {
            var isDone = core.worker != nil
            if let worker = core.worker {
                for schedule in schedules {
                    switch await declare(schedule, by: worker) {
                    case .done: break
                    case .refused: schedules.removeAll { $0.name == schedule.name }
                    case .failed: isDone = false
                    }
                }
            }
            try? await Task.sleep(for: isDone ? Self.declareInterval * Double.random(in: 0.75...1.25) : pollInterval)
        }
    }

    private enum Declaration { case done, refused, failed }

    private func declare(_ schedule: CronSchedule, by worker: Int64) async -> Declaration {
        let metadata = ["schedule": schedule.name]
        do {
            let rows = try await core.client.query(Statements.declare(schedule, by: worker))
            let isChanged = try rows.first?.decode(Bool.self) ?? false
            if isChanged { core.logger.info("schedule set", metadata: metadata) }
            return .done
        } catch let error as PostgresError where !error.isBadInput {
            if !Task.isCancelled {
                core.logger.warning("declaring a schedule failed", metadata: ["error": "\(error)"])
            }
            return .failed
        } catch {
            core.logger.error(
                "schedule refused", metadata: metadata.merging(["error": "\(error)"]) { _, error in error })
            return .refused
        }
    }

    /// Enqueues the ticks of all schedules of the database, whoever set them.
    func tick() async {
        while !Task.isCancelled {
            var pause = pollInterval
            do {
                pause = try await enqueueDueTicks()
            } catch {
                if !Task.isCancelled {
                    core.logger.warning("enqueueing ticks failed", metadata: ["error": "\(error)"])
                }
            }
            try? await Task.sleep(for: pause)
        }
    }

    /// Returns the time until there may be more to do. Schedules that were set meanwhile are found at the next poll.
    private func enqueueDueTicks() async throws -> Duration {
        let rows = try await core.client.query(Statements.enqueueDueTicks(atMost: Self.batch))
        guard let row = rows.first else { return pollInterval }
        let (due, _, failed, next) = try row.decode(Int.self, Int.self, [String].self, Double?.self)
        for name in failed {
            core.logger.error("tick not enqueued: see schedules.last_error", metadata: ["schedule": name])
        }
        if due == Self.batch { return .zero }
        guard let next else { return pollInterval }
        return min(pollInterval, next > 0 ? .seconds(next) : Self.shortPause)
    }
}

/// A schedule that the code declares.
struct CronSchedule: Sendable {
    let name: String
    let expression: String
    let timezone: String
    let kind: String
    let options: JobOptions
    let catchUp: Duration
    let overlap: Bool
    let arguments: @Sendable () throws -> String
}

extension Statements {
    static func declare(_ schedule: CronSchedule, by worker: Int64) throws -> PostgresQuery {
        """
        SELECT declare_schedule(\(worker), \(schedule.name), \(schedule.expression), \(schedule.kind),
            \(try schedule.arguments())::jsonb, \(schedule.timezone), \(schedule.options.queue),
            \(Int32(clamping: schedule.options.priority)), \(Int32(clamping: schedule.options.maximumAttempts)),
            \(schedule.catchUp), \(schedule.overlap))
        """
    }

    static func enqueueDueTicks(atMost count: Int) -> PostgresQuery {
        "SELECT * FROM enqueue_due_ticks(\(Int32(clamping: count)))"
    }
}

extension PostgresError {
    /// The same again would be refused again.
    fileprivate var isBadInput: Bool { sqlState.map { $0.hasPrefix("22") || $0.hasPrefix("23") } ?? false }
}
