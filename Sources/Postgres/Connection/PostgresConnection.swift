import CLibPQ
import Platform
import Synchronization

/// One connection in pipeline mode. Concurrent calls are sent at once and answered in order; a COPY or a script waits until
/// it has the connection for itself.
///
/// Cancelling a task cancels its statement on the server; it then throws with code `.cancelled`. A cancel request stops
/// whatever runs when it arrives, so it is made only while nothing of another task is in flight, and nothing new is sent
/// until it is over. A statement with another task's behind it on the same connection runs on to its end.
public final class PostgresConnection: SocketHandler {
    /// A server that does not answer a cancelled command for so long counts as lost.
    static let cancelLimit = Duration.seconds(10)

    // A PGconn is used by one thread at a time, under this lock; the loop only waits for its socket.
    private let state: Mutex<UncheckedBox>
    private let cancelThreads: HelperThreads
    // libpq has a pointer to it.
    private let notices: NoticeLog
    private let onNotification: @Sendable (PostgresListenEvent) -> Void
    private let onClose: @Sendable (PostgresConnection) -> Void
    private let lastID = Atomic<UInt64>(0)

    // Sendable because it never leaves the lock.
    private struct UncheckedBox: @unchecked Sendable { var state: ConnectionState }

    /// - Parameters:
    ///   - libpq: a connected PGconn, which this connection now owns.
    ///   - onClose: called once, on any thread, when the connection is over.
    init(
        libpq: OpaquePointer, loop: EventLoop, cancelThreads: HelperThreads, notices: NoticeLog,
        statementCacheSize: Int,
        onNotification: @escaping @Sendable (PostgresListenEvent) -> Void,
        onClose: @escaping @Sendable (PostgresConnection) -> Void
    ) {
        let state = ConnectionState(
            libpq: libpq, loop: loop, notices: notices, statementCacheSize: statementCacheSize)
        self.state = Mutex(UncheckedBox(state: state))
        self.cancelThreads = cancelThreads
        self.notices = notices
        self.onNotification = onNotification
        self.onClose = onClose
        loop.add(state.socket, .read, self)
    }

    deinit {
        // Nobody waits for anything here any more: who waits holds the connection.
        var effects = ConnectionState.Effects()
        state.withLock { $0.state.close(PostgresError(.closed, "the connection was closed"), &effects) }
    }

    /// Runs one statement; outside of a transaction it is its own.
    @discardableResult
    public func query(_ query: PostgresQuery) async throws -> PostgresResult {
        try await run([query])[0]
    }

    /// One round trip, one implicit transaction (unless one is open): all or nothing. An empty batch is a round trip too.
    @discardableResult
    public func batch(_ queries: [PostgresQuery]) async throws -> [PostgresResult] {
        try await run(queries)
    }

    /// BEGIN, `body`, COMMIT; ROLLBACK when `body` throws or the task is cancelled. BEGIN travels with the first statement. A
    /// connection error at COMMIT leaves the outcome unknown (`code == .connection`). COMMIT itself is not cancelled.
    public func withTransaction<Result: Sendable>(
        _ body: (PostgresConnection) async throws -> Result
    ) async throws -> Result {
        guard !isInTransaction else {
            throw PostgresError(.server, "a transaction is open already on this connection")
        }
        withState { state, _ in state.openTransaction() }
        let result: Result
        do {
            result = try await body(self)
            if Task.isCancelled { throw PostgresError(.cancelled, "cancelled before the transaction was committed") }
        } catch {
            // When this fails the connection is lost, and the server rolls back by itself.
            try? await endTransaction("ROLLBACK")
            throw error
        }
        try await endTransaction("COMMIT")
        return result
    }

    /// Lifts the limit on how long each statement may take until the transaction ends. Throws outside of a transaction.
    public func liftStatementTimeout() async throws {
        guard isInTransaction else { throw PostgresError(.server, "no transaction is open on this connection") }
        withState { state, _ in state.isUnlimited = true }
        try await query("SET LOCAL statement_timeout = 0")
    }

    /// Runs text that may hold several statements separated by semicolons, without binds (migrations). They are one transaction
    /// unless the text says otherwise.
    public func executeScript(unsafe sql: String) async throws {
        _ = try await script(sql) {
            throw PostgresError(.server, "a script cannot COPY from here: use copyIn")
        }
    }

    /// `COPY … FROM STDIN`: sends what `chunks` yields (the COPY text format unless the statement says otherwise) with
    /// backpressure. Returns rows copied. An error thrown by `chunks`, or the task's cancellation, fails the COPY and leaves
    /// nothing.
    @discardableResult
    public func copyIn(
        unsafe statement: String, from chunks: some AsyncSequence<[UInt8], any Error> & Sendable
    ) async throws -> Int {
        let mailbox = ScriptMailbox()
        return try await script(statement, mailbox) {
            for try await chunk in chunks {
                try Task.checkCancellation()
                try await self.put(chunk, mailbox)
            }
            // A sequence may just end when its task is cancelled: what came is not everything then.
            try Task.checkCancellation()
        }
    }

    // MARK: For the pool

    /// Open, and not to be replaced by a better one.
    var isUsable: Bool { state.withLock { $0.state.isUsable } }
    var isInTransaction: Bool { state.withLock { $0.state.isInTransaction } }
    /// Whether tasks still wait for something on it.
    var isBusy: Bool { state.withLock { !$0.state.pipeline.isEmpty } }

    /// Waits for a round trip. When it takes longer, the connection is half-open and gets closed.
    func check(within limit: Duration) async throws {
        let timer = Task {
            try await Task.sleep(for: limit)
            close(PostgresError(.connection, "the server has not answered for \(limit)"))
        }
        defer { timer.cancel() }
        _ = try await send([], isPrepared: true)
    }

    /// Closes the connection when the server owes an answer for `limit` and no part of it comes. Looks four times in that time,
    /// and holds on to nothing.
    func watch(limit: Duration) {
        Task { [weak self] in
            var last: ConnectionState.Owed?
            var since = ContinuousClock.now
            while true {
                try await Task.sleep(for: limit / 4)
                guard let self, isUsable else { return }
                let owed = state.withLock { $0.state.owed }
                if owed == nil || owed != last { (last, since) = (owed, .now) }
                guard ContinuousClock.now - since >= limit else { continue }
                abandon(PostgresError(.connection, "the server has not answered for \(limit)"))
            }
        }
    }

    /// Closes it while the server may still be working for it.
    func abandon(_ reason: PostgresError) {
        withState { $0.abandon(reason, &$1) }
    }

    func rollBack() async throws { try await endTransaction("ROLLBACK") }

    func close(_ reason: PostgresError = PostgresError(.closed, "the connection was closed")) {
        withState { $0.close(reason, &$1) }
    }

    func socketIsReady() { withState { $0.receive(&$1) } }

    // MARK: Inside

    /// Not cancelled: a COMMIT that was cancelled half-way would leave nobody knowing, and a ROLLBACK has to happen.
    private func endTransaction(_ sql: String) async throws {
        if withState({ state, _ in state.forgetUnopenedTransaction() }) { return }
        defer { withState { state, _ in state.isUnlimited = false } }
        let result = try await send([PostgresQuery(unsafe: sql)], isPrepared: false)
        // PostgreSQL answers COMMIT of a failed transaction with a rollback, and no error.
        guard result.first?.command == sql else {
            var error = PostgresError(.server, "the transaction was rolled back, since a statement in it had failed")
            error.sqlState = "25P02"
            throw error
        }
    }

    private func run(_ queries: [PostgresQuery]) async throws -> [PostgresResult] {
        for query in queries { if let refusal = query.refusal { throw refusal } }
        let id = nextID()
        return try await withTaskCancellationHandler {
            try await send(queries, isPrepared: true, id)
        } onCancel: {
            cancel(id)
        }
    }

    private func send(
        _ queries: [PostgresQuery], isPrepared: Bool, _ id: UInt64? = nil
    ) async throws -> [PostgresResult] {
        try await withCheckedThrowingContinuation { continuation in
            let work = ConnectionWork(.statements(queries), .continuation(continuation), isPrepared: isPrepared)
            withState { $0.add(id ?? nextID(), work, &$1) }
            // The cancellation handler may have run before there was anything to cancel.
            if let id, Task.isCancelled { cancel(id) }
        }
    }

    /// Runs a script, and `putData` when the server is ready for COPY data. What `putData` throws fails the COPY.
    private func script(
        _ sql: String, _ mailbox: ScriptMailbox = ScriptMailbox(), _ putData: () async throws -> Void
    ) async throws -> Int {
        // A script has no statement that BEGIN could travel with.
        if withState({ state, _ in state.opensTransaction }) { _ = try await run([]) }
        let id = nextID()
        return try await withTaskCancellationHandler {
            withState { $0.add(id, ConnectionWork(.script(sql), .mailbox(mailbox)), &$1) }
            if Task.isCancelled { cancel(id) }
            while true {
                switch try await mailbox.next() {
                case .copyReady: try await copy(mailbox, putData)
                case .drained: continue
                case .finished(let rows): return rows
                }
            }
        } onCancel: {
            cancel(id)
        }
    }

    private func copy(_ mailbox: ScriptMailbox, _ putData: () async throws -> Void) async throws {
        do {
            try await putData()
            try withState { try $0.endCopy(failure: nil, &$1) }
        } catch {
            try withState { try $0.endCopy(failure: "the sender gave up", &$1) }
            // The server's refusal of the unfinished COPY says less than the reason.
            while case .some(.drained) = try? await mailbox.next() {}
            throw error is CancellationError
                ? PostgresError(.cancelled, "the COPY was cancelled and left nothing") : error
        }
    }

    /// In slices, so that libpq's buffer stays small whatever the size of a chunk.
    private func put(_ chunk: [UInt8], _ mailbox: ScriptMailbox) async throws {
        var start = 0
        while start < chunk.count {
            let end = min(start + 256 << 10, chunk.count)
            let mustWait = try chunk.withUnsafeBytes { bytes in
                try withState { try $0.put(UnsafeRawBufferPointer(rebasing: bytes[start..<end]), &$1) }
            }
            if mustWait { _ = try await mailbox.next() }
            start = end
        }
    }

    private func nextID() -> UInt64 { lastID.add(1, ordering: .relaxed).newValue }

    private func cancel(_ id: UInt64) { withState { $0.cancel(id, &$1) } }

    /// Changes the state under the lock, then does what that asked for.
    private func withState<Result>(
        _ body: (inout ConnectionState, inout ConnectionState.Effects) throws -> Result
    ) rethrows -> Result {
        var effects = ConnectionState.Effects()
        defer { perform(effects) }
        return try state.withLock { box in try body(&box.state, &effects) }
    }

    private func perform(_ effects: ConnectionState.Effects) {
        for (waiter, result) in effects.finished {
            switch waiter {
            case .continuation(let continuation): continuation.resume(with: result.mapError { $0 as any Error })
            case .mailbox(let mailbox):
                mailbox.put(
                    result.map { .finished(affectedRows: $0.first?.affectedRows ?? 0) }.mapError { $0 as any Error })
            }
        }
        for (mailbox, event) in effects.events { mailbox.put(.success(event)) }
        for notification in effects.notifications { onNotification(notification) }
        if let request = effects.cancel { send(request) }
        if let request = effects.lastCancel { cancelThreads.run { _ = request.send() } }
        if effects.closed != nil { onClose(self) }
    }

    private func send(_ request: CancelRequest) {
        cancelThreads.run { [self] in
            guard request.send() else {
                return close(PostgresError(.connection, "the server could not be reached with a cancel request"))
            }
            let mustRepeat = withState { state, effects in
                state.cancelRequestEnded(&effects)
                return effects.cancelsAgain
            }
            guard mustRepeat else { return }
            after(.milliseconds(20 << min(request.attempt, 5))) { $0.cancelAgain(&$1) }
        }
        if request.attempt == 1 { after(Self.cancelLimit) { $0.giveUp(request.command, &$1) } }
    }

    private func after(
        _ delay: Duration, _ body: @escaping @Sendable (inout ConnectionState, inout ConnectionState.Effects) -> Void
    ) {
        Task { [weak self] in
            try await Task.sleep(for: delay)
            self?.withState(body)
        }
    }
}
