import CLibPQ

/// What the simple query protocol tells the task that uses it.
enum SimpleEvent: Sendable {
    /// The server waits for COPY data.
    case copyReady
    /// What was put has left our buffers.
    case drained
    /// All statements are done; how many rows the last one touched.
    case finished(affectedRows: Int)
}

/// A script or a COPY under way: outside of the pipeline, one task, one step at a time.
struct SimpleQuery {
    private var waiter: CheckedContinuation<SimpleEvent, any Error>?
    private var isWaitingForDrain = false
    /// What happened while nobody waited.
    private var ready: Result<SimpleEvent, any Error>?
    private var error: PostgresError?
    private var affectedRows = 0
    /// Between the server's readiness for COPY data and our end of it. libpq answers COPY_IN all that time.
    var isCopying = false
    let sql: String

    init(sql: String) { self.sql = sql }

    mutating func wait(
        _ continuation: CheckedContinuation<SimpleEvent, any Error>, forDrain: Bool,
        _ effects: inout ConnectionState.Effects
    ) {
        if let ready {
            effects.simple.append((continuation, ready))
            self.ready = nil
        } else {
            waiter = continuation
            isWaitingForDrain = forDrain
        }
    }

    mutating func drained(_ effects: inout ConnectionState.Effects) {
        if isWaitingForDrain { tell(.success(.drained), &effects) }
    }

    mutating func received(_ handle: OpaquePointer, _ effects: inout ConnectionState.Effects) {
        let result = ResultStorage(handle)
        switch PQresultStatus(handle) {
        case PGRES_COPY_IN:
            isCopying = true
            tell(.success(.copyReady), &effects)
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY:
            affectedRows = PostgresResult(storage: result).affectedRows
        default: if error == nil { error = PostgresError(result: handle, sql: sql) }
        }
    }

    mutating func finished(_ effects: inout ConnectionState.Effects) {
        tell(error.map { .failure($0) } ?? .success(.finished(affectedRows: affectedRows)), &effects)
    }

    mutating func failed(_ error: PostgresError, _ effects: inout ConnectionState.Effects) {
        tell(.failure(error), &effects)
    }

    private mutating func tell(_ event: Result<SimpleEvent, any Error>, _ effects: inout ConnectionState.Effects) {
        isWaitingForDrain = false
        if let waiter {
            effects.simple.append((waiter, event))
            self.waiter = nil
        } else {
            ready = event
        }
    }
}

extension ConnectionState {
    /// Leaves the pipeline and sends text in the simple protocol.
    mutating func startSimple(_ sql: String, on loop: EventLoop) throws -> Effects {
        var effects = Effects()
        guard let libpq else { throw closeReason }
        guard commands.isEmpty, simple == nil else {
            throw PostgresError(.closed, "a COPY or script needs the connection for itself")
        }
        guard PQexitPipelineMode(libpq) == 1, PQsendQuery(libpq, sql) == 1 else {
            let error = PostgresError(connection: libpq)
            close(error, on: loop, &effects)
            effects.run()
            throw error
        }
        simple = SimpleQuery(sql: sql)
        flush(on: loop, &effects)
        return effects
    }

    mutating func receiveSimple(_ libpq: OpaquePointer, _ effects: inout Effects) {
        while simple?.isCopying == false, PQisBusy(libpq) == 0 {
            guard let result = PQgetResult(libpq) else {
                if PQstatus(libpq) == CONNECTION_BAD { return }
                simple?.finished(&effects)
                if PQenterPipelineMode(libpq) != 1 { isDoomed = true }
                return
            }
            simple?.received(result, &effects)
        }
    }

    /// Hands data to libpq. True when it has to drain before more is put.
    mutating func put(_ chunk: [UInt8], on loop: EventLoop, _ effects: inout Effects) throws -> Bool {
        guard let libpq else { throw closeReason }
        let status = chunk.withUnsafeBytes { bytes in
            PQputCopyData(libpq, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(bytes.count))
        }
        guard status == 1 else { throw PostgresError(connection: libpq) }
        flush(on: loop, &effects)
        return wantsToWrite
    }

    mutating func endCopy(failure: String?, on loop: EventLoop, _ effects: inout Effects) throws {
        guard let libpq else { throw closeReason }
        guard PQputCopyEnd(libpq, failure) == 1 else { throw PostgresError(connection: libpq) }
        simple?.isCopying = false
        flush(on: loop, &effects)
    }
}
