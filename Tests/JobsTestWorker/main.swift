import Glibc
import Jobs
import Platform
import Postgres

/// A worker process for the tests to kill: `JobsTestWorker <connection string> <heartbeat ms> <dead after ms>`.
///
/// Its jobs write what they do into the table `runs`, which the test has made.
struct Recorded: Job {
    static let kind = "recorded"
    /// "quick", "fail_once", "kill_worker", "trap", "hang"
    var behaviour: String
}

func run(_ job: Recorded, _ context: JobContext, _ client: PostgresClient) async throws -> JobOutcome {
    let process = Int64(getpid())
    try await client.query(
        "INSERT INTO runs (job_id, attempt, process) VALUES (\(context.id), \(context.attempt), \(process))")
    switch job.behaviour {
    case "kill_worker": kill(getpid(), SIGKILL)
    case "trap": fatalError("on purpose")
    case "hang": try await Task.sleep(for: .seconds(3600))
    case "fail_once" where context.attempt == 1: throw JobError.leaseLost(context.id)
    default: break
    }
    // The last thing that a run does: what has an end has not been cut off.
    try await client.query(
        """
        UPDATE runs SET ended_at = clock_timestamp()
        WHERE job_id = \(context.id) AND attempt = \(context.attempt) AND process = \(process)
        """)
    return .completed()
}

let arguments = CommandLine.arguments
let logger = Logger(label: "test worker", level: .critical)
let client = PostgresClient(PostgresConfiguration(connectionString: arguments[1]), logger: logger)
var configuration = Worker.Configuration()
configuration.heartbeat = .milliseconds(Int(arguments[2]) ?? 200)
configuration.deadAfter = .milliseconds(Int(arguments[3]) ?? 2000)
configuration.pollInterval = .milliseconds(200)
configuration.queues = ["default": 16, "other": 4]
configuration.drainLimit = .seconds(2)
configuration.cancellationGrace = .milliseconds(300)
var registry = JobRegistry()
registry.register(
    Recorded.self, retry: RetryPolicy { _ in .milliseconds(5) },
    onFailure: { _, error, connection in
        try await connection.query("INSERT INTO failures (error) VALUES (\(error))")
    },
    handler: { [client] in try await run($0, $1, client) }
)
registry.register(Planned.self, retry: RetryPolicy { _ in .milliseconds(5) }, timeLimit: .seconds(3)) { [client] in
    try await run($0, $1, client)
}
// Only where a storm has made the tables.
if arguments.count > 4 { registry.every(.seconds(1), name: "every second", Planned(number: 0, steps: ["complete"])) }
let worker = Worker(
    JobQueue(client, logger: logger), registry: registry, configuration: configuration, metrics: MetricsRegistry(),
    logger: logger)
try await ServiceGroup(services: [worker], logger: logger).run()
