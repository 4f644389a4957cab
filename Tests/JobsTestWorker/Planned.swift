import Glibc
import Jobs
import Platform
import Postgres

/// A job that does one step of its plan at each run; a run that was cut off does its step again.
struct Planned: Job {
    static let kind = "planned"
    /// Which one of its storm.
    var number: Int
    /// See `take`. The last one is for all further runs.
    var steps: [String]
    var milliseconds = 0
}

func run(_ job: Planned, _ context: JobContext, _ client: PostgresClient) async throws -> JobOutcome {
    let process = Int64(getpid())
    let rows = try await client.query(
        """
        INSERT INTO runs (job_id, attempt, process, step) SELECT \(context.id), \(context.attempt), \(process), count(*)
        FROM runs WHERE job_id = \(context.id) AND ended_at IS NOT NULL
        RETURNING step
        """)
    let step = try rows.first?.decode(Int.self) ?? 0
    if job.milliseconds > 0 { try await Task.sleep(for: .milliseconds(job.milliseconds)) }
    try await client.query(
        """
        UPDATE runs SET ended_at = clock_timestamp()
        WHERE job_id = \(context.id) AND process = \(process) AND step = \(step) AND ended_at IS NULL
        """)
    return try await take(job.steps[min(step, job.steps.count - 1)], context, client)
}

private func take(_ step: String, _ context: JobContext, _ client: PostgresClient) async throws -> JobOutcome {
    switch step {
    case "complete": return .completed("done")
    case "effect":
        try await client.withTransaction { connection in
            try await connection.query(effect(context))
            try await context.complete(in: connection)
        }
        return .completedInTransaction
    case "effect_at_once":
        try await context.complete(with: [effect(context)], on: client)
        return .completedInTransaction
    case "snooze": return .snoozed(.milliseconds(50))
    case "cancel": return .cancelled(reason: "as planned")
    case "give_up": return .failed(reason: "given up as planned")
    case "fail": throw PlannedFailure()
    case "too_large": return .completed(.string(String(repeating: "x", count: 2 << 20)))
    case "hang": try await Task.sleep(for: .seconds(3600))
    case "ignore_cancellation": await Task { try? await Task.sleep(for: .seconds(20)) }.value
    case "kill": kill(getpid(), SIGKILL)
    case "trap": fatalError("as planned")
    default: throw PlannedFailure()
    }
    return .completed()
}

private func effect(_ context: JobContext) -> PostgresQuery {
    "INSERT INTO effects (job_id, attempt) VALUES (\(context.id), \(context.attempt))"
}

private struct PlannedFailure: Error, CustomStringConvertible { let description = "failed as planned" }
