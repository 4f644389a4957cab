import CLibPQ
import Synchronization

/// One connection in pipeline mode. Concurrent calls are sent at once and answered in order.
///
/// Cancelling a task cancels its statement on the server (SQLSTATE 57014, thrown with code `.cancelled`); the connection
/// is not used for anything after that, since a late cancel could hit it.
public final class PostgresConnection: SocketHandler {
    // A PGconn is used by one thread at a time, under this lock; the socket is waited for by the loop.
    private let state: Mutex<UncheckedBox>
    private let loop: EventLoop
    private let onNotification: @Sendable (PostgresListenEvent) -> Void
    private let onClose: @Sendable (PostgresConnection) -> Void

    // Sendable because it never leaves the lock.
    private struct UncheckedBox: @unchecked Sendable { var state: ConnectionState }

    /// - Parameter libpq: a connected PGconn, which this connection now owns.
    init(
        libpq: OpaquePointer, loop: EventLoop,
        onNotification: @escaping @Sendable (PostgresListenEvent) -> Void = { _ in },
        onClose: @escaping @Sendable (PostgresConnection) -> Void = { _ in }
    ) {
        PQsetnonblocking(libpq, 1)
        PQenterPipelineMode(libpq)
        let state = ConnectionState(libpq: libpq)
        self.state = Mutex(UncheckedBox(state: state))
        self.loop = loop
        self.onNotification = onNotification
        self.onClose = onClose
        loop.add(state.socket, .read, self)
    }

    /// Runs one statement; outside of a transaction it is its own.
    @discardableResult
    public func query(_ query: PostgresQuery) async throws -> PostgresResult {
        try await batch([query])[0]
    }

    /// One round trip, one implicit transaction (unless one is open): all or nothing. An empty batch is a round trip too.
    @discardableResult
    public func batch(_ queries: [PostgresQuery]) async throws -> [PostgresResult] {
        do {
            return try await send(queries)
        } catch let error as PostgresError where error.sqlState == "26000" || error.sqlState == "0A000" {
            // A plan was lost or outgrown, which happens before any effect. An open transaction is aborted by it.
            guard isUsable, !isInTransaction else { throw error }
            return try await send(queries)
        }
    }

    /// Runs text that may hold several statements separated by semicolons, without binds (migrations). They are one transaction
    /// unless the text says otherwise. The connection must not be in use by another task.
    public func executeScript(unsafe sql: String) async throws {
        _ = try await simple(sql) { _ in }
    }

    /// `COPY … FROM STDIN`: sends what `chunks` yields (the COPY text format unless the statement says otherwise) with
    /// backpressure. Returns rows copied. An error thrown by `chunks` fails the COPY and leaves nothing.
    @discardableResult
    public func copyIn(
        unsafe statement: String, from chunks: some AsyncSequence<[UInt8], any Error> & Sendable
    ) async throws -> Int {
        try await simple(statement) { connection in
            do {
                for try await chunk in chunks where !chunk.isEmpty {
                    let isFull = try connection.withState { try $0.put(chunk, on: connection.loop, &$1) }
                    if isFull { _ = try await connection.nextSimple(forDrain: true) }
                }
                try connection.withState { try $0.endCopy(failure: nil, on: connection.loop, &$1) }
            } catch let error as PostgresError {
                throw error
            } catch {
                try connection.withState { try $0.endCopy(failure: "the source failed", on: connection.loop, &$1) }
                _ = try? await connection.nextSimple()
                throw error
            }
        }
    }

    // MARK: For the pool

    /// Open, and nothing is on its way that could hit the next statement.
    var isUsable: Bool { state.withLock { $0.state.libpq != nil && !$0.state.isDoomed && $0.state.simple == nil } }

    var isInTransaction: Bool {
        state.withLock { box in
            box.state.libpq.map { PQtransactionStatus($0) != PQTRANS_IDLE } ?? false
        }
    }

    func close(_ reason: PostgresError = PostgresError(.closed, "the connection was closed")) {
        withState { $0.close(reason, on: loop, &$1) }
    }

    func socketIsReady() {
        withState { state, effects in effects = state.receive(on: loop) }
    }

    // MARK: Inside

    private func send(_ queries: [PostgresQuery]) async throws -> [PostgresResult] {
        let ticket = CommandTicket()
        let id = Mutex<UInt64>(0)
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let waiter = CommandWaiter(continuation: continuation, ticket: ticket)
                withState { state, effects in
                    let (sent, sending) = state.send(queries, waiter, on: loop)
                    id.withLock { $0 = sent }
                    effects = sending
                }
            }
        } onCancel: {
            ticket.isCancelled.store(true, ordering: .relaxed)
            withState { state, effects in effects = state.cancel(id.withLock { $0 }) }
        }
    }

    private func simple(
        _ sql: String, _ body: (PostgresConnection) async throws -> Void
    ) async throws -> Int {
        try await withTaskCancellationHandler {
            try withState { state, effects in effects = try state.startSimple(sql, on: loop) }
            var event = try await nextSimple()
            if case .copyReady = event {
                try await body(self)
                event = try await nextSimple()
            }
            withState { state, _ in state.simple = nil }
            guard case .finished(let rows) = event else { return 0 }
            return rows
        } onCancel: {
            // What was sent so far is rolled back by the server when the connection ends.
            close(PostgresError(.cancelled, "cancelled during a COPY or script"))
        }
    }

    private func nextSimple(forDrain: Bool = false) async throws -> SimpleEvent {
        do {
            return try await withCheckedThrowingContinuation { continuation in
                withState { state, effects in
                    if state.simple == nil {
                        effects.simple.append((continuation, .failure(state.closeReason)))
                    } else if forDrain && !state.wantsToWrite {
                        effects.simple.append((continuation, .success(.drained)))
                    } else {
                        state.simple?.wait(continuation, forDrain: forDrain, &effects)
                    }
                }
            }
        } catch {
            withState { state, _ in state.simple = nil }
            throw error
        }
    }

    /// Changes the state under the lock, then does what that asked for.
    private func withState<Result>(
        _ body: (inout ConnectionState, inout ConnectionState.Effects) throws -> Result
    ) rethrows -> Result {
        var effects = ConnectionState.Effects()
        defer {
            effects.run()
            for notification in effects.notifications { onNotification(notification) }
            if effects.closed != nil { onClose(self) }
        }
        return try state.withLock { box in try body(&box.state, &effects) }
    }
}
