import CLibPQ

/// The libpq connection and all that belongs to it. Lives under the connection's lock; what concerns tasks and threads is
/// returned as effects, to be done outside of it.
struct ConnectionState {
    /// What to do once the lock is released.
    struct Effects {
        var finished: [(ConnectionWork.Waiter, Result<[PostgresResult], PostgresError>)] = []
        var events: [(ScriptMailbox, ScriptEvent)] = []
        var notifications: [PostgresListenEvent] = []
        /// Ask the server to stop what it runs.
        var cancel: CancelRequest?
        /// Look again soon whether it has stopped, by `cancelAgain`.
        var cancelsAgain = false
        /// Stop what runs for a connection that is over: nobody hears of its end.
        var lastCancel: CancelRequest?
        /// The connection is over.
        var closed: PostgresError?
    }

    /// Nil once closed.
    private(set) var libpq: OpaquePointer?
    let socket: Int32
    let loop: EventLoop
    private let notices: NoticeLog
    private(set) var closeReason = PostgresError(.closed, "the connection was closed")
    var pipeline = Pipeline<ConnectionWork>()
    var statements: StatementCache
    private(set) var wantsToWrite = false
    /// Not to be lent again: its server is going away, or is not the one that we want.
    private(set) var isDoomed = false
    /// What a cancel request was last made for, until that is answered, and how often.
    private var cancelledCommand: UInt64?
    private var cancelAttempts = 0
    /// BEGIN goes out with the next statement: a transaction costs no round trip of its own to open.
    private(set) var opensTransaction = false
    /// Until the transaction ends, its statements may take any time.
    var isUnlimited = false

    /// Takes over a connected PGconn.
    init(libpq: OpaquePointer, loop: EventLoop, notices: NoticeLog, statementCacheSize: Int) {
        self.libpq = libpq
        self.loop = loop
        self.notices = notices
        socket = PQsocket(libpq)
        statements = StatementCache(capacity: statementCacheSize)
        PQsetnonblocking(libpq, 1)
        PQenterPipelineMode(libpq)
    }

    // MARK: What the pool asks

    var isUsable: Bool { libpq != nil && !isDoomed }

    /// In a transaction, or about to open one.
    var isInTransaction: Bool {
        guard let libpq else { return false }
        return opensTransaction || [PQTRANS_INTRANS, PQTRANS_INERROR].contains(PQtransactionStatus(libpq))
    }

    mutating func openTransaction() { opensTransaction = true }

    /// True when BEGIN has not been sent: then there is no transaction to end.
    mutating func forgetUnopenedTransaction() -> Bool {
        defer { opensTransaction = false }
        return opensTransaction
    }

    // MARK: Work

    mutating func add(_ id: UInt64, _ work: ConnectionWork, _ effects: inout Effects) {
        guard libpq != nil else { return effects.finished.append((work.waiter, .failure(closeReason))) }
        pipeline.add(id, work, isExclusive: work.isExclusive)
        sendWaiting(&effects)
    }

    mutating func cancel(_ id: UInt64, _ effects: inout Effects) {
        if let unsent = pipeline.cancel(id) {
            effects.finished.append(
                (unsent.item.waiter, .failure(PostgresError(.cancelled, "cancelled before it was sent"))))
        }
        // A COPY that waits for room to write finds out by itself once it looks.
        reportDrained(&effects)
        requestCancelIfWanted(&effects)
    }

    /// A request that arrives before the server has read the statement stops nothing: then it is made again.
    mutating func cancelRequestEnded(_ effects: inout Effects) {
        settle(pipeline.cancelRequestEnded(), &effects)
        effects.cancelsAgain = pipeline.wantsCancelRequest
        sendWaiting(&effects)
    }

    mutating func cancelAgain(_ effects: inout Effects) { requestCancelIfWanted(&effects) }

    /// A command that was cancelled long ago and is still not answered: the server cannot be reached.
    mutating func giveUp(_ id: UInt64, _ effects: inout Effects) {
        guard cancelledCommand == id else { return }
        close(PostgresError(.connection, "the server does not react to a cancel request"), &effects)
    }

    /// What the server owes an answer for, and how much of that is left. While it stays the same, nothing comes. Nil for what
    /// may take any time.
    var owed: Owed? {
        guard !isUnlimited, let command = pipeline.inFlight.first, !command.isExclusive else { return nil }
        return Owed(command: command.id, steps: command.item.steps.count)
    }

    struct Owed: Equatable {
        let command: UInt64
        let steps: Int
    }

    /// The server is silent. Should it be there after all, it is not left working for nobody.
    mutating func abandon(_ reason: PostgresError, _ effects: inout Effects) {
        guard let libpq else { return }
        if let command = pipeline.inFlight.first, let handle = PQgetCancel(libpq) {
            effects.lastCancel = CancelRequest(handle, command: command.id, attempt: 1)
        }
        close(reason, &effects)
    }

    mutating func close(_ reason: PostgresError, _ effects: inout Effects) {
        guard let libpq else { return }
        loop.remove(socket)
        PQfinish(libpq)
        self.libpq = nil
        closeReason = reason
        effects.closed = reason
        settle(pipeline.removeAll(), &effects, failure: reason)
    }

    // MARK: Sending

    mutating func sendWaiting(_ effects: inout Effects) {
        guard let libpq, !pipeline.waiting.isEmpty else { return }
        while var command = pipeline.takeNext() {
            let isSent = send(&command.item, libpq)
            pipeline.sent(command)
            guard isSent else { return close(PostgresError(connection: libpq), &effects) }
        }
        flush(&effects)
    }

    private mutating func send(_ work: inout ConnectionWork, _ libpq: OpaquePointer) -> Bool {
        switch work.content {
        case .script(let sql):
            return PQexitPipelineMode(libpq) == 1 && PQsendQuery(libpq, sql) == 1
        case .statements(let queries):
            if opensTransaction {
                opensTransaction = false
                work.steps.append(.discard)
                guard PQsendQueryParams(libpq, "BEGIN", 0, nil, nil, nil, nil, 1) == 1 else { return false }
            }
            for (index, query) in queries.enumerated() {
                guard send(query, index, libpq, &work) else { return false }
            }
            return PQpipelineSync(libpq) == 1
        }
    }

    private mutating func send(
        _ query: PostgresQuery, _ index: Int, _ libpq: OpaquePointer, _ work: inout ConnectionWork
    ) -> Bool {
        let types = query.binds.map(\.oid)
        guard work.isPrepared else {
            work.steps.append(.execute(name: nil, index: index))
            return libpq.send(query, types)
        }
        switch statements.use(StatementCache.Key(sql: query.sql, types: types)) {
        case .unnamed:
            work.steps.append(.execute(name: nil, index: index))
            return libpq.send(query, types)
        case .prepared(let name):
            work.steps.append(.execute(name: name, index: index))
            return libpq.send(prepared: name, query)
        case .prepare(let name, let evicted):
            if let evicted {
                work.steps.append(.discard)
                guard PQsendQueryParams(libpq, "DEALLOCATE \(evicted)", 0, nil, nil, nil, nil, 1) == 1 else {
                    return false
                }
            }
            work.steps += [.prepare(name: name, index: index), .execute(name: name, index: index)]
            return PQsendPrepare(libpq, name, query.sql, Int32(types.count), types) == 1
                && libpq.send(prepared: name, query)
        }
    }

    /// While libpq has something left to write, it wants to be woken for reading and writing.
    mutating func flush(_ effects: inout Effects) {
        guard let libpq else { return }
        let status = PQflush(libpq)
        if status < 0 { return close(lossReason(libpq), &effects) }
        let wants = status == 1
        if wants != wantsToWrite {
            wantsToWrite = wants
            loop.change(socket, to: wants ? [.read, .write] : .read)
        }
        if !wants { reportDrained(&effects) }
    }

    private mutating func reportDrained(_ effects: inout Effects) {
        guard let work = pipeline.current, work.awaitsDrain, case .mailbox(let mailbox) = work.waiter else { return }
        pipeline.updateCurrent { $0.awaitsDrain = false }
        effects.events.append((mailbox, .drained))
    }

    // MARK: After an answer

    mutating func finishCurrent(_ effects: inout Effects) {
        guard let libpq, let work = pipeline.current else { return }
        cancelledCommand = nil
        cancelAttempts = 0
        if notices.takeLocalCommit() {
            let error = PostgresError(.cancelled, "cancelled before the standby had it: it may be lost in a failover")
            pipeline.updateCurrent { $0.fail(error) }
        }
        let mayResend =
            work.maySendAgain && pipeline.inFlight.count == 1 && PQtransactionStatus(libpq) == PQTRANS_IDLE
        let settled = mayResend ? pipeline.sendCurrentAgain { $0.startAgain() } : pipeline.finishCurrent()
        settle(settled ?? [], &effects)
        requestCancelIfWanted(&effects)
        sendWaiting(&effects)
    }

    /// A server that shuts down (57P01 … 57P03), or a standby where a primary was wanted: the next one should be another.
    mutating func doomIfUnfit(_ error: PostgresError) {
        if let state = error.sqlState, state == "25006" || state.hasPrefix("57P0") { isDoomed = true }
    }

    private mutating func requestCancelIfWanted(_ effects: inout Effects) {
        guard let libpq, pipeline.startCancelRequest(), let id = pipeline.inFlight.first?.id else { return }
        guard let handle = PQgetCancel(libpq) else { return close(PostgresError(connection: libpq), &effects) }
        cancelledCommand = id
        cancelAttempts += 1
        effects.cancel = CancelRequest(handle, command: id, attempt: cancelAttempts)
    }

    private func settle(
        _ commands: [Pipeline<ConnectionWork>.Command], _ effects: inout Effects, failure: PostgresError? = nil
    ) {
        for command in commands {
            guard var error = failure ?? command.item.error else {
                effects.finished.append((command.item.waiter, .success(command.item.results)))
                continue
            }
            if command.isCancelled, failure != nil || error.sqlState == "57014" { error.code = .cancelled }
            effects.finished.append((command.item.waiter, .failure(error)))
        }
    }
}
