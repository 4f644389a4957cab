import FoundationEssentials
public import Postgres

/// The handlers that a worker knows. A kind that it does not know is left to workers that do.
public struct JobRegistry: Sendable {
    private(set) var kinds: [String: RegisteredKind] = [:]
    private(set) var schedules: [Schedule] = []
    private(set) var middleware: [JobMiddleware] = []
    private(set) var cronSchedules: [CronSchedule] = []

    public init() {}

    /// Registers the handler of a kind; registering a kind again replaces its handler.
    ///
    /// Delivery is at least once: a handler may run again after a crash, so what it does must bear repetition.
    /// - Parameters:
    ///   - timeLimit: cancels the handler's task; the attempt then counts as failed.
    ///   - onFailure: runs once when the job has failed, expired or been rescued too often, in the transaction that ends it.
    public mutating func register<Work: Job>(
        _ type: Work.Type, retry: RetryPolicy = .exponentialJitter(), timeLimit: Duration = .seconds(60),
        onFailure: (@Sendable (Work, _ error: String, PostgresConnection) async throws -> Void)? = nil,
        handler: @escaping @Sendable (Work, JobContext) async throws -> JobOutcome
    ) {
        var failure: RegisteredKind.FailureHandler?
        if let onFailure {
            failure = { arguments, error, connection, keys in
                try await onFailure(Work(decodingArguments: arguments, keys), error, connection)
            }
        }
        kinds[Work.kind] = RegisteredKind(
            retry: retry, timeLimit: timeLimit, sealing: Work.sealing,
            run: { arguments, context in
                try await handler(Work(decodingArguments: arguments, context.keys), context)
            },
            onFailure: failure)
    }

    /// Puts `middleware` around the handlers of all kinds, within what was put around them before: to measure, to set up what
    /// handlers need, to stop what must not run. It counts for the job's time limit.
    public mutating func use(_ middleware: @escaping JobMiddleware) { self.middleware.append(middleware) }

    /// Runs the handler of a kind within the middleware.
    func run(_ kind: RegisteredKind, _ job: ClaimedJob, _ context: JobContext) async throws -> JobOutcome {
        var next: @Sendable () async throws -> JobOutcome = { try await kind.run(job.arguments, context) }
        for outer in middleware.reversed() {
            let inner = next
            next = { try await outer(context, inner) }
        }
        return try context.sealing(await next())
    }

    /// Enqueues `job` once per tick of `interval` however many workers run (one row per schedule and tick). Ticks are
    /// multiples of the interval, so workers agree on them; missed ones are not made up for, and a tick is passed over
    /// while the job of an earlier one still waits or runs. Queue, priority and attempts are the kind's defaults.
    public mutating func every<Work: Job>(_ interval: Duration, name: String, _ job: Work) {
        schedules.append(
            Schedule(
                name: name, interval: interval, kind: Work.kind, options: Work.defaults,
                arguments: { try ArgumentsCoding.encode(job, $0) }))
    }

    /// Declares a schedule of the database: `job` is enqueued once per tick of a five-field cron expression, read in a time
    /// zone, however many workers run. Workers make or change the row of that name when they start; of the definitions that
    /// living workers have, the newest wins. Operators pause it in the database, or change it there until the code changes.
    /// Queue, priority and attempts are the kind's defaults. What the database refuses (a wrong expression, an unknown zone)
    /// is logged as an error, and the other schedules go on; so is a kind that is sealed.
    /// - Parameters:
    ///   - timezone: an IANA name such as "America/Mexico_City".
    ///   - name: 1 to 100 bytes; declaring a name again replaces it.
    ///   - catchUp: the latest tick that was missed is run once if it is not older; 1 minute … 366 days.
    ///   - overlap: also enqueues a tick while the job of an earlier one waits or runs.
    public mutating func cron<Work: Job>(
        _ expression: String, timezone: String = "UTC", name: String, catchUp: Duration = .seconds(3600),
        overlap: Bool = false, _ job: Work
    ) {
        cronSchedules.removeAll { $0.name == name }
        cronSchedules.append(
            CronSchedule(
                name: name, expression: expression, timezone: timezone, kind: Work.kind, options: Work.defaults,
                catchUp: catchUp, overlap: overlap, arguments: { try ArgumentsCoding.encodeForSchedule(job) }))
    }
}

/// Gets a job's context and what comes next, which it calls once or, to decide the outcome itself, not at all.
public typealias JobMiddleware =
    @Sendable (JobContext, _ next: @Sendable () async throws -> JobOutcome) async throws -> JobOutcome

/// A handler without its type.
struct RegisteredKind: Sendable {
    typealias FailureHandler = @Sendable (Data, String, PostgresConnection, Keyring) async throws -> Void

    let retry: RetryPolicy
    let timeLimit: Duration
    let sealing: Sealing
    let run: @Sendable (Data, JobContext) async throws -> JobOutcome
    let onFailure: FailureHandler?
}

struct Schedule: Sendable {
    let name: String
    let interval: Duration
    let kind: String
    let options: JobOptions
    let arguments: @Sendable (Keyring) throws -> String
}
