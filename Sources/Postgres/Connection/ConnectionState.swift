import CLibPQ
import Platform
import Synchronization

/// Who waits for a command, and whether it still wants the answer.
struct CommandWaiter: Sendable {
    let continuation: CheckedContinuation<[PostgresResult], any Error>
    let ticket: CommandTicket
}

/// Lets a task that is cancelled find out whether its command was sent, and the sender that nobody wants it any more.
final class CommandTicket: Sendable {
    let isCancelled = Atomic(false)
}

/// The libpq connection and all that belongs to it. Lives under the connection's lock; every effect on Swift tasks is
/// returned, to be done outside of it.
struct ConnectionState {
    typealias Commands = CommandQueue<CommandWaiter, PostgresResult>

    /// What to do once the lock is released.
    struct Effects {
        var finished: [(CommandWaiter, Result<[PostgresResult], any Error>)] = []
        var notifications: [PostgresListenEvent] = []
        var simple: [(CheckedContinuation<SimpleEvent, any Error>, Result<SimpleEvent, any Error>)] = []
        /// Ask the server to stop what it is doing.
        var cancel: CancelHandle?
        /// The connection is over.
        var closed: PostgresError?

        func run() {
            for (waiter, result) in finished { waiter.continuation.resume(with: result) }
            for (continuation, result) in simple { continuation.resume(with: result) }
            cancel?.send()
        }
    }

    /// Nil once closed.
    var libpq: OpaquePointer?
    let socket: Int32
    var closeReason = PostgresError(.closed, "the connection was closed")
    var commands = Commands()
    var statements = StatementCache()
    var simple: SimpleQuery?
    var wantsToWrite = false
    /// A cancel is on its way: whatever runs next could be hit by it, so the connection is not used again.
    var isDoomed = false

    init(libpq: OpaquePointer) {
        self.libpq = libpq
        socket = PQsocket(libpq)
    }

    // MARK: Sending

    /// Sends statements and the sync that makes them one implicit transaction.
    mutating func send(_ queries: [PostgresQuery], _ waiter: CommandWaiter, on loop: EventLoop) -> (UInt64, Effects) {
        var effects = Effects()
        guard let libpq, simple == nil else {
            let reason =
                libpq == nil ? closeReason : PostgresError(.closed, "the connection is busy with a COPY or script")
            effects.finished.append((waiter, .failure(reason)))
            return (0, effects)
        }
        guard !waiter.ticket.isCancelled.load(ordering: .relaxed) else {
            effects.finished.append((waiter, .failure(PostgresError(.cancelled, "cancelled before it was sent"))))
            return (0, effects)
        }
        var steps: [Commands.Step] = []
        let sent = queries.allSatisfy { send($0, libpq, &steps) } && PQpipelineSync(libpq) == 1
        let id = commands.add(steps, waiter)
        if sent { flush(on: loop, &effects) } else { close(PostgresError(connection: libpq), on: loop, &effects) }
        return (id, effects)
    }

    private mutating func send(_ query: PostgresQuery, _ libpq: OpaquePointer, _ steps: inout [Commands.Step]) -> Bool {
        let types = query.binds.map(\.oid)
        switch statements.use(StatementCache.Key(sql: query.sql, types: types)) {
        case .prepared(let name):
            steps.append(.execute(query.sql))
            return libpq.sendPrepared(name, query.binds)
        case .unnamed:
            steps.append(.execute(query.sql))
            return libpq.sendParameters(query.sql, types, query.binds)
        case .prepare(let name, let evicted):
            if let evicted {
                steps.append(.discard)
                guard libpq.sendParameters("DEALLOCATE \(evicted)", [], []) else { return false }
            }
            steps += [.prepare(name, query.sql), .execute(query.sql)]
            return PQsendPrepare(libpq, name, query.sql, Int32(types.count), types) == 1
                && libpq.sendPrepared(name, query.binds)
        }
    }

    /// libpq asks to wait for reading and writing while it has something left to write.
    mutating func flush(on loop: EventLoop, _ effects: inout Effects) {
        guard let libpq else { return }
        let status = PQflush(libpq)
        if status < 0 { return close(PostgresError(connection: libpq), on: loop, &effects) }
        let wants = status == 1
        if wants != wantsToWrite {
            wantsToWrite = wants
            loop.change(socket, to: wants ? [.read, .write] : .read)
        }
        if !wants { simple?.drained(&effects) }
    }

    // MARK: Receiving

    mutating func receive(on loop: EventLoop) -> Effects {
        var effects = Effects()
        guard let libpq else { return effects }
        guard PQconsumeInput(libpq) == 1 else {
            close(PostgresError(connection: libpq), on: loop, &effects)
            return effects
        }
        if wantsToWrite { flush(on: loop, &effects) }
        if simple != nil { receiveSimple(libpq, &effects) } else { receiveResults(libpq, &effects) }
        receiveNotifications(libpq, &effects)
        if PQstatus(libpq) == CONNECTION_BAD { close(PostgresError(connection: libpq), on: loop, &effects) }
        return effects
    }

    private mutating func receiveResults(_ libpq: OpaquePointer, _ effects: inout Effects) {
        while !commands.isEmpty, PQisBusy(libpq) == 0 {
            // A nil separates the results of one statement from the next one's.
            guard let result = PQgetResult(libpq) else {
                if PQstatus(libpq) == CONNECTION_BAD { return }
                continue
            }
            receive(result, &effects)
        }
    }

    private mutating func receive(_ handle: OpaquePointer, _ effects: inout Effects) {
        let result = PostgresResult(storage: ResultStorage(handle))
        switch PQresultStatus(handle) {
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY:
            if case .prepare(let name, _) = commands.currentStep { statements.confirm(name) }
            commands.succeed(with: result)
        case PGRES_PIPELINE_SYNC:
            finishCommand(&effects)
        case PGRES_PIPELINE_ABORTED:
            stepFailed(PostgresError(.server, "skipped after an earlier statement failed"))
        default:
            stepFailed(PostgresError(result: handle, sql: commands.currentStep?.sql))
        }
    }

    private mutating func stepFailed(_ error: PostgresError) {
        if case .prepare(let name, _) = commands.currentStep { statements.forget(name) }
        // The server lost or outgrew a plan: everything is prepared anew.
        if error.sqlState == "26000" || error.sqlState == "0A000" { statements.forgetAll() }
        commands.fail(error)
    }

    private mutating func finishCommand(_ effects: inout Effects) {
        guard let command = commands.finish() else { return }
        let wasCancelled = command.waiter.ticket.isCancelled.load(ordering: .relaxed)
        if var error = command.error {
            if wasCancelled, error.sqlState == "57014" { error.code = .cancelled }
            effects.finished.append((command.waiter, .failure(error)))
        } else {
            effects.finished.append((command.waiter, .success(command.results)))
        }
        if let next = commands.first, next.waiter.ticket.isCancelled.load(ordering: .relaxed) {
            effects.cancel = cancelHandle()
        }
    }

    private func receiveNotifications(_ libpq: OpaquePointer, _ effects: inout Effects) {
        while let notification = PQnotifies(libpq) {
            effects.notifications.append(
                .notification(
                    channel: String(cString: notification.pointee.relname),
                    payload: String(cString: notification.pointee.extra), processID: notification.pointee.be_pid))
            PQfreemem(notification)
        }
    }

    // MARK: Ending

    /// The task behind a command was cancelled. The server is asked only while it works on exactly that command.
    mutating func cancel(_ id: UInt64) -> Effects {
        var effects = Effects()
        if commands.first?.id == id { effects.cancel = cancelHandle() }
        return effects
    }

    private mutating func cancelHandle() -> CancelHandle? {
        isDoomed = true
        return libpq.flatMap { PQgetCancel($0) }.map { CancelHandle($0) }
    }

    mutating func close(_ reason: PostgresError, on loop: EventLoop, _ effects: inout Effects) {
        guard let libpq else { return }
        loop.remove(socket)
        PQfinish(libpq)
        self.libpq = nil
        closeReason = reason
        for command in commands.removeAll() { effects.finished.append((command.waiter, .failure(reason))) }
        simple?.failed(reason, &effects)
        simple = nil
        effects.closed = reason
    }
}

/// A PGcancel: sent from a thread of its own, since PQcancel blocks.
// Sendable because libpq makes it a copy of what it needs, for use in any thread; it is used once.
final class CancelHandle: @unchecked Sendable {
    private let handle: OpaquePointer

    init(_ handle: OpaquePointer) { self.handle = handle }
    deinit { PQfreeCancel(handle) }

    func send() {
        OwnThread.start { [self] in
            var message = [CChar](repeating: 0, count: 256)
            // A cancel that does not arrive leaves the statement to its time-out.
            _ = PQcancel(handle, &message, Int32(message.count))
        }
    }
}

extension OpaquePointer {
    fileprivate func sendPrepared(_ name: String, _ binds: [PostgresBind]) -> Bool {
        withParameters(binds) { values, lengths, formats in
            PQsendQueryPrepared(self, name, Int32(binds.count), values, lengths, formats, 1) == 1
        }
    }

    fileprivate func sendParameters(_ sql: String, _ types: [UInt32], _ binds: [PostgresBind]) -> Bool {
        withParameters(binds) { values, lengths, formats in
            PQsendQueryParams(self, sql, Int32(binds.count), types, values, lengths, formats, 1) == 1
        }
    }

    /// Lays the binds out as libpq wants them: one buffer, a pointer each.
    private func withParameters<Result>(
        _ binds: [PostgresBind],
        _ body: ([UnsafePointer<CChar>?], [Int32], [Int32]) -> Result
    ) -> Result {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(binds.reduce(0) { $0 + ($1.bytes?.count ?? 0) } + 1)
        for bind in binds { bytes.append(contentsOf: bind.bytes ?? []) }
        // An empty value needs an address too: a null pointer is NULL.
        bytes.append(0)
        return bytes.withUnsafeBytes { buffer in
            var offset = 0
            let values: [UnsafePointer<CChar>?] = binds.map { bind in
                guard let count = bind.bytes?.count else { return nil }
                defer { offset += count }
                return buffer.baseAddress.map { ($0 + offset).assumingMemoryBound(to: CChar.self) }
            }
            return body(values, binds.map { Int32($0.bytes?.count ?? 0) }, binds.map { _ in 1 })
        }
    }
}
