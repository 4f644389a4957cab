import Platform
import Postgres
import Synchronization

/// Keeps the worker's row alive, and takes the consequences when it is not: a worker that was declared dead lets go of all it
/// held and comes back under a new id. Only the database's clock decides who is dead.
final class Liveness: Sendable {
    private let core: WorkerCore
    private let client: PostgresClient
    private let name: String
    private let heartbeat: Duration
    private let deadAfter: Duration
    private let state = Mutex(State())

    private struct State {
        var isStopping = false
        /// Held jobs that the database did not know as ours at the last beat. Once is no proof: an end that was just
        /// committed looks the same.
        var suspects: Set<JobID> = []
        /// Jobs that are being ended without running.
        var adopted: Set<JobID> = []
        /// How many claims had failed when that was last looked at, and until when the database is asked about them.
        var claimFailures: Int64 = 0
        var askUntil: ContinuousClock.Instant?
        /// Since when the database has heard every beat, and when it heard the last.
        var beats: (since: ContinuousClock.Instant, last: ContinuousClock.Instant)?
    }

    /// Whether this worker may call others dead: for as long as they have been silent, the database has heard it without a
    /// gap. Else it may be the database that was away, for all of them.
    var isSteady: Bool {
        guard let beats = state.withLock({ $0.beats }) else { return false }
        let now = ContinuousClock.now
        return now - beats.since >= deadAfter && now - beats.last < deadAfter
    }

    /// - Parameter client: has a connection that nobody else uses.
    init(_ core: WorkerCore, client: PostgresClient, name: String, heartbeat: Duration, deadAfter: Duration) {
        self.core = core
        self.client = client
        self.name = name
        self.heartbeat = heartbeat
        self.deadAfter = deadAfter
    }

    /// Registers, then beats until its task is cancelled.
    func run() async {
        var lastBeat = ContinuousClock.now
        var worker: Int64?
        var pause = Duration.milliseconds(100)
        while !Task.isCancelled {
            do {
                if let known = worker {
                    if try await beat(known) {
                        core.worker = known
                    } else {
                        core.logger.error(
                            "this worker was declared dead: it starts anew", metadata: ["worker": "\(known)"])
                        worker = nil
                        core.worker = nil
                        core.leaseLost()
                        continue
                    }
                } else {
                    worker = try await register()
                }
                lastBeat = .now
                heard(at: lastBeat)
                pause = .milliseconds(100)
                try? await Task.sleep(for: heartbeat)
            } catch {
                if ContinuousClock.now - lastBeat > deadAfter { core.worker = nil }
                state.withLock { $0.beats = nil }
                core.logger.warning("heartbeat failed", metadata: ["error": "\(error)"])
                try? await Task.sleep(for: pause * Double.random(in: 0.5...1.5))
                pause = min(pause * 2, heartbeat)
            }
        }
    }

    private func heard(at now: ContinuousClock.Instant) {
        state.withLock { state in
            let isUnbroken = state.beats.map { now - $0.last < deadAfter } ?? false
            state.beats = (isUnbroken ? state.beats?.since ?? now : now, now)
        }
    }

    /// Shows in the worker's row from the next beat on.
    func stopping() { state.withLock { $0.isStopping = true } }

    func adopt(_ ids: [JobID]) { state.withLock { $0.adopted.formUnion(ids) } }
    func ended(_ id: JobID) { state.withLock { _ = $0.adopted.remove(id) } }

    private func register() async throws -> Int64? {
        let rows = try await client.query(
            Statements.register(name: name, queues: core.queueNames, kinds: core.kinds, deadAfter: deadAfter))
        guard let worker = try rows.first?.decode(Int64.self) else { return nil }
        core.logger.info("worker registered", metadata: ["worker": "\(worker)"])
        core.worker = worker
        core.wakeAll()
        return worker
    }

    /// False when the worker was declared dead.
    private func beat(_ worker: Int64) async throws -> Bool {
        let isStopping = state.withLock { $0.isStopping }
        let rows = try await ask(Statements.beat(worker, isStopping: isStopping))
        guard let isAlive = try rows.first?.decode(Bool.self), isAlive else { return false }
        try await checkRuns(of: worker)
        try await releaseUnheld(by: worker)
        return true
    }

    /// Stops runs whose job was cancelled, or is not ours any more.
    private func checkRuns(of worker: Int64) async throws {
        let leases = core.leases.filter { $0.worker == worker }
        guard !leases.isEmpty else { return }
        guard let row = try await ask(Statements.check(worker, leases)).first else { return }
        let (lost, toCancel) = try row.decode([Int64].self, [Int64].self)
        for id in toCancel { core.stop(id, .cancelRequested) }
        let known = state.withLock { state in
            defer { state.suspects = Set(lost) }
            return state.suspects
        }
        for id in lost where known.contains(id) { core.stop(id, .leaseLost) }
    }

    /// After a claim whose answer was lost, the database may believe that we run jobs of which we know nothing. It is asked
    /// until what was claimed then is surely older than `deadAfter`.
    private func releaseUnheld(by worker: Int64) async throws {
        let failures = core.metrics.claimFailures.value
        let (adopted, isDue) = state.withLock { state in
            if failures != state.claimFailures { state.askUntil = ContinuousClock.now + deadAfter * 3 }
            state.claimFailures = failures
            return (state.adopted, state.askUntil.map { .now < $0 } ?? false)
        }
        guard isDue else { return }
        let held = core.leases.map(\.id) + core.ending + adopted
        try await ask(Statements.releaseUnheld(worker, held: held, claimedBefore: deadAfter))
    }

    /// Should the connection be half-open, there is time left to be heard on another one.
    @discardableResult
    private func ask(_ query: PostgresQuery) async throws -> PostgresResult {
        try await client.query(query, within: deadAfter / 3)
    }
}
