import Glibc
public import Platform
import Postgres

/// Claims, runs, finishes, heartbeats and rescues. Any number of them, on any number of machines.
public final class Worker: Service {
    public struct Configuration: Sendable {
        /// Queue name to its own number of slots: a slow queue never takes another's.
        public var queues: [String: Int] = ["default": 16]
        public var heartbeat: Duration = .seconds(5)
        /// At least two heartbeats. A worker without a heartbeat for so long is declared dead by the others, and its jobs run elsewhere.
        public var deadAfter: Duration = .seconds(15)
        /// The longest that a job waits when every notification is lost.
        public var pollInterval: Duration = .seconds(1)
        /// The same behind a transaction pooler, where no notification ever comes: polling alone finds the jobs then.
        public var pooledPollInterval: Duration = .milliseconds(100)
        /// How often the subscription to notifications is asked for a sign of life: a half-open one is found within twice this
        /// time.
        public var keepAlive: Duration = .seconds(10)
        /// How long the worker's own statements wait at a lock that somebody's open transaction holds: what else they carry goes on
        /// without what is locked. Not set behind a transaction pooler.
        public var lockTimeout: Duration = .seconds(2)
        /// How long running jobs may finish after a graceful stop; then they are cancelled and given back.
        public var drainLimit: Duration = .seconds(15)
        /// How long a handler may take to return once its task is cancelled; then its slot is given to others.
        public var cancellationGrace: Duration = .seconds(3)
        /// Partitions of `finished_jobs` are dropped when they are older.
        public var historyRetention: Duration = .seconds(14 * 86_400)
        public init() {}
    }

    private let configuration: Configuration
    private let core: WorkerCore
    private let liveness: Liveness
    private let upkeep: Upkeep
    private let cron: CronUpkeep
    private let stopAsked = Alarm()
    private let heart: PostgresClient

    /// - Parameter queue: its connections are the handlers'; the worker opens six more for itself: one for notifications, one
    ///   for heartbeats, four for its other statements.
    public init(
        _ queue: JobQueue, registry: JobRegistry, configuration: Configuration, metrics: MetricsRegistry, logger: Logger
    ) {
        precondition(configuration.deadAfter >= configuration.heartbeat * 2, "a worker may miss one heartbeat")
        self.configuration = configuration
        var own = queue.client.configuration
        own.applicationName += " worker"
        own.maximumConnections = 4
        own.lockTimeout = configuration.lockTimeout
        let client = PostgresClient(own, logger: logger)
        // Its own: were all others half-open or busy, this worker would be taken for dead, and its jobs run twice at a time.
        own.maximumConnections = 1
        heart = PostgresClient(own, logger: logger)
        let announcer = Announcer(client, logger: logger)
        let pollAlarm = Alarm()
        let pollInterval =
            own.usesTransactionPooler
            ? min(configuration.pollInterval, configuration.pooledPollInterval) : configuration.pollInterval
        let acknowledger = Acknowledger(client, announcer: announcer, metrics: metrics, logger: logger) { delay in
            if delay < pollInterval { pollAlarm.ring() }
        }
        core = WorkerCore(
            registry: registry, queues: configuration.queues, grace: configuration.cancellationGrace, keys: queue.keys,
            client: client, handlerClient: queue.client, acknowledger: acknowledger, announcer: announcer,
            metrics: WorkerMetrics(metrics, kinds: registry.kinds.keys), logger: logger)
        liveness = Liveness(
            core, client: heart, name: Self.name, heartbeat: configuration.heartbeat, deadAfter: configuration.deadAfter
        )
        upkeep = Upkeep(
            core: core, liveness: liveness, pollInterval: pollInterval, keepAlive: configuration.keepAlive,
            sweepInterval: min(.seconds(2), configuration.deadAfter / 4),
            historyRetention: configuration.historyRetention, pollAlarm: pollAlarm)
        cron = CronUpkeep(core: core, pollInterval: configuration.pollInterval)
    }

    /// Asks the worker to stop gracefully, as a stop of its service group does. May be called at any time, from anywhere.
    public func stop() { stopAsked.ring() }

    /// Works until asked to stop: then claims nothing more, lets running jobs finish for `drainLimit`, cancels and gives back
    /// the rest unspent, acknowledges all and leaves. When the task is cancelled, running jobs are given back at once. Never
    /// throws because the database is away. Call it once.
    public func run() async throws {
        await withGracefulStopHandler {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await self.liveness.run() }
                group.addTask { await self.core.watchUntilCancelled() }
                await takeIn()
                let limit = Task.isCancelled ? Duration.zero : configuration.drainLimit
                // In a task that nobody cancels: what it does is how to end in order.
                await Task { await self.drain(within: limit) }.value
                group.cancelAll()
            }
        } onGracefulStop: {
            self.stop()
        }
        await Task { await self.leave() }.value
    }

    private func takeIn() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.upkeep.listen() }
            group.addTask { await self.upkeep.poll() }
            group.addTask { await self.upkeep.sweep() }
            group.addTask { await self.upkeep.schedules() }
            group.addTask { await self.cron.declare() }
            group.addTask { await self.cron.tick() }
            group.addTask { await self.upkeep.history() }
            await stopAsked.wait()
            group.cancelAll()
        }
    }

    private func drain(within limit: Duration) async {
        liveness.stopping()
        core.close()
        if !core.isIdle { await core.idle.sleep(for: limit) }
        if !core.isIdle {
            core.stopAll()
            // The grace of the slowest, and a look at it.
            await core.idle.sleep(for: configuration.cancellationGrace + .milliseconds(500))
        }
        if await !core.acknowledger.drain(within: .seconds(5)) {
            core.logger.error("ended jobs could not be acknowledged: other workers will run them again")
        }
    }

    /// What still bears this worker's id afterwards is rescued by others at once.
    private func leave() async {
        if let worker = core.worker {
            core.worker = nil
            do {
                try await core.client.query(Statements.deregister(worker))
            } catch {
                core.logger.warning("worker not signed off", metadata: ["error": "\(error)"])
            }
        }
        await heart.close(within: .seconds(2))
        await core.client.close(within: .seconds(2))
    }

    /// Host and process, for whoever looks at the table.
    private static var name: String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "unknown:\(getpid())" }
        let host = buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        return String(decoding: host, as: UTF8.self) + ":\(getpid())"
    }
}
