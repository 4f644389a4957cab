import Platform
import Postgres
import Synchronization

/// Brings the ends of jobs to the database, in batches, until it has them: a failed acknowledgement is tried again, with
/// jitter, for as long as the process lives.
final class Acknowledger: Sendable {
    private struct State {
        var buffer = SettlementBuffer()
        var waiters: [CheckedContinuation<Void, Never>] = []
        var drain: Alarm?
    }

    private let client: PostgresClient
    private let announcer: Announcer
    private let logger: Logger
    private let staleCount: Counter
    private let retryCount: Counter
    private let state = Mutex(State())
    /// Called with the shortest delay of jobs that were put off.
    private let onDelayed: @Sendable (Duration) -> Void

    init(
        _ client: PostgresClient, announcer: Announcer, metrics: MetricsRegistry, logger: Logger,
        onDelayed: @escaping @Sendable (Duration) -> Void
    ) {
        self.client = client
        self.announcer = announcer
        self.logger = logger
        self.onDelayed = onDelayed
        staleCount = metrics.counter(
            "operadora_jobs_stale_total", help: "Ends of jobs that were no longer this worker's, and changed nothing.")
        retryCount = metrics.counter(
            "operadora_job_flush_failures_total", help: "Batches of ended jobs that had to be sent again.")
    }

    /// Never waits. `isLast`: nothing else runs that could end soon.
    func add(_ settlement: Settlement, isLast: Bool) {
        perform(state.withLock { $0.buffer.add(settlement, isLast: isLast) })
    }

    func add(_ settlements: [Settlement]) {
        for (index, settlement) in settlements.enumerated() {
            add(settlement, isLast: index == settlements.count - 1)
        }
    }

    /// What is not acknowledged yet.
    var ids: [JobID] { state.withLock { $0.buffer.ids } }

    /// Back-pressure: returns once the backlog is not full.
    func waitForRoom() async {
        // Looked at without suspending first: it hardly ever is full.
        guard state.withLock({ $0.buffer.isFull }) else { return }
        await withCheckedContinuation { continuation in
            let hasRoom = state.withLock { state in
                if state.buffer.isFull { state.waiters.append(continuation) }
                return !state.buffer.isFull
            }
            if hasRoom { continuation.resume() }
        }
    }

    /// Waits until all is acknowledged; false when that takes longer than `limit`.
    func drain(within limit: Duration) async -> Bool {
        let alarm = Alarm()
        let isEmpty = state.withLock { state in
            state.drain = alarm
            return state.buffer.isEmpty
        }
        if !isEmpty { await alarm.sleep(for: limit) }
        return state.withLock { $0.buffer.isEmpty }
    }

    private func perform(_ action: SettlementBuffer.Action) {
        switch action {
        case .none: break
        case .flush(let batch): Task { await flush(batch) }
        case .startTimer:
            Task {
                try? await Task.sleep(for: SettlementBuffer.gathering)
                perform(state.withLock { $0.buffer.timeIsUp() })
            }
        }
    }

    private func flush(_ batch: [Settlement]) async {
        let putOff = await send(batch)
        let action = state.withLock { $0.buffer.flushed(putOff: putOff.busy + putOff.refused) }
        perform(action)
        let (waiters, drain) = state.withLock { state in
            defer { if !state.buffer.isFull { state.waiters = [] } }
            return (state.buffer.isFull ? [] : state.waiters, state.buffer.isEmpty ? state.drain : nil)
        }
        for waiter in waiters { waiter.resume() }
        drain?.ring()
        retry(putOff.busy, after: .milliseconds(Int.random(in: 3...12)))
        retry(putOff.refused, after: .milliseconds(Int.random(in: 500...1_500)))
    }

    private func retry(_ settlements: [Settlement], after pause: Duration) {
        guard !settlements.isEmpty else { return }
        Task {
            try? await Task.sleep(for: pause)
            perform(state.withLock { $0.buffer.retry(settlements) })
        }
    }

    /// What a flush leaves to a later one, so that the others do not wait for it.
    private struct PutOff {
        /// Another transaction holds their key.
        var busy: [Settlement] = []
        /// The server refuses them for a reason that is not theirs, such as another transaction that holds their row.
        var refused: [Settlement] = []
    }

    /// Returns once the database has them, but for those that it puts off.
    private func send(_ batch: [Settlement], isRetry: Bool = false) async -> PutOff {
        var batch = batch
        var pause = Duration.milliseconds(10)
        var isRetry = isRetry
        var isWithoutItsEnd = false
        while true {
            do {
                return PutOff(busy: try await sendOnce(batch, isRetry: isRetry))
            } catch let error as PostgresError where error.code == .closed {
                // The worker has left: its jobs are rescued by others.
                return PutOff()
            } catch let error as PostgresError where error.mayConcernOne {
                if batch.count > 1 { return await sendOneByOne(batch) }
                guard error.isAboutValues, !isWithoutItsEnd else {
                    reportDelay(batch, error)
                    return PutOff(refused: batch)
                }
                batch = batch.map { withoutItsEnd($0, error) }
                isWithoutItsEnd = true
            } catch {
                reportDelay(batch, error)
            }
            isRetry = true
            try? await Task.sleep(for: pause * Double.random(in: 0.5...1.5))
            pause = min(pause * 2, .seconds(2))
        }
    }

    /// Alone, it shows which one is meant. A part of the batch may have been written.
    private func sendOneByOne(_ batch: [Settlement]) async -> PutOff {
        var all = PutOff()
        for settlement in batch {
            let one = await send([settlement], isRetry: true)
            all.busy += one.busy
            all.refused += one.refused
        }
        return all
    }

    private func reportDelay(_ batch: [Settlement], _ error: any Error) {
        retryCount.increment()
        logger.warning("ended jobs not acknowledged yet", metadata: ["jobs": "\(batch.count)", "error": "\(error)"])
    }

    private func withoutItsEnd(_ settlement: Settlement, _ error: PostgresError) -> Settlement {
        logger.error(
            "the end of a job cannot be stored", metadata: ["job": "\(settlement.lease.id)", "error": "\(error)"])
        var failed = settlement
        failed.outcome = .failed
        failed.result = nil
        failed.error = "its end could not be stored: SQLSTATE \(error.sqlState ?? "unknown")"
        return failed
    }

    /// Returns those whose key another transaction holds. Leases may be of several workers: of this process before and
    /// after it was declared dead.
    private func sendOnce(_ batch: [Settlement], isRetry: Bool) async throws -> [Settlement] {
        var busy: [Settlement] = []
        for (worker, unordered) in Dictionary(grouping: batch, by: \.lease.worker) {
            // Rows are locked in this order, as by those who enqueue jobs that depend on these.
            let settlements = unordered.sorted { $0.lease.id < $1.lease.id }
            let plain = settlements.filter(\.isPlain)
            let others = settlements.filter { !$0.isPlain }
            var settled = Settled()
            if !others.isEmpty {
                let rows = try await client.query(Statements.settle(worker, others, wait: false))
                settled = try rows.first.map(Settled.init) ?? settled
            }
            if !plain.isEmpty {
                let rows = try await client.query(Statements.complete(worker, plain))
                settled.stale.formUnion(try rows.first?.decode([Int64].self) ?? [])
            }
            report(settlements, settled, isRetry: isRetry)
            busy += settlements.filter { settled.busy.contains($0.lease.id) }
        }
        return busy
    }

    /// - Parameter isRetry: an earlier answer was lost, so what is stale now may well have been settled then.
    private func report(_ settlements: [Settlement], _ settled: Settled, isRetry: Bool) {
        announcer.wake(settled.queues)
        var ended: [JobID] = []
        var shortest: Duration?
        for settlement in settlements where !settled.busy.contains(settlement.lease.id) {
            let isStale = settled.stale.contains(settlement.lease.id)
            if isStale != settlement.isFallback, !isRetry { reportSurprise(settlement) }
            guard !isStale || isRetry else { continue }
            if settlement.outcome.endsTheJob {
                if settlement.isAwaited { ended.append(settlement.lease.id) }
            } else {
                shortest = min(shortest ?? settlement.delay, settlement.delay)
            }
        }
        announcer.ended(ended)
        if let shortest { onDelayed(shortest) }
    }

    private func reportSurprise(_ settlement: Settlement) {
        if settlement.isFallback {
            logger.warning(
                "the transaction that was to complete a job did not commit",
                metadata: ["job": "\(settlement.lease.id)"])
        } else {
            staleCount.increment()
            logger.notice(
                "a job ended that was no longer this worker's: nothing was changed",
                metadata: ["job": "\(settlement.lease.id)", "outcome": settlement.outcome.rawValue])
        }
    }
}

extension PostgresError {
    /// Whether a part of the statement may succeed where the whole does not: one that is not well, or locked, spoils it for all.
    fileprivate var mayConcernOne: Bool { code == .server && (!isTransient || sqlState == "55P03") }
}
