import CLibPQ

/// What comes from the server.
extension ConnectionState {
    /// The socket is ready, or broken. Everything that has arrived is taken in, also what came right before the end.
    mutating func receive(_ effects: inout Effects) {
        guard let libpq else { return }
        // A TLS record has up to 16 KiB, one call takes at least 8: a rest inside the TLS library would wake nobody.
        let isAlive = PQconsumeInput(libpq) == 1 && (PQsslInUse(libpq) == 0 || PQconsumeInput(libpq) == 1)
        if isAlive, wantsToWrite { flush(&effects) }
        receiveResults(&effects)
        receiveNotifications(&effects)
        if !isAlive || PQstatus(libpq) == CONNECTION_BAD, self.libpq != nil { close(lossReason(libpq), &effects) }
    }

    // The current work is only looked at, never kept in a variable: appending to its results would copy them.
    private mutating func receiveResults(_ effects: inout Effects) {
        var wasNull = false
        while let libpq, pipeline.current?.isCopying == false, PQisBusy(libpq) == 0 {
            if let handle = PQgetResult(libpq) {
                wasNull = false
                receive(PostgresResult(storage: ResultStorage(handle)), &effects)
            } else if pipeline.current?.isExclusive == true {
                finishScript(libpq, &effects)
            } else if wasNull {
                // One null ends each statement's results. A second one means that libpq expects nothing more.
                return close(lossReason(libpq), &effects)
            } else {
                wasNull = true
            }
        }
    }

    private mutating func receive(_ result: PostgresResult, _ effects: inout Effects) {
        switch PQresultStatus(result.storage.handle) {
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY:
            pipeline.updateCurrent { work in
                if work.isExclusive { work.results = [result] } else { work.succeed(with: result) }
            }
        case PGRES_PIPELINE_SYNC: finishCurrent(&effects)
        case PGRES_PIPELINE_ABORTED: fail(PostgresError(.server, "skipped after an earlier statement failed"))
        case PGRES_COPY_IN where pipeline.current?.isExclusive == true:
            pipeline.updateCurrent { $0.isCopying = true }
            if case .mailbox(let mailbox) = pipeline.current?.waiter { effects.events.append((mailbox, .copyReady)) }
        case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH:
            close(PostgresError(.server, "COPY needs copyIn, and COPY TO is not supported"), &effects)
        default:
            let error = PostgresError(result: result.storage.handle, sql: pipeline.current?.currentSQL)
            doomIfUnfit(error)
            fail(error)
        }
    }

    private mutating func fail(_ error: PostgresError) {
        switch pipeline.current?.steps.first {
        case .prepare(let name, _): statements.forget(name)
        case .execute(let name?, _) where error.isAboutPreparedStatement:
            // The server has lost all of them when it has lost one (DISCARD ALL); a changed table concerns this one.
            if error.sqlState == "26000" { statements.forgetAll() } else { statements.forget(name) }
        default: break
        }
        pipeline.updateCurrent { $0.fail(error) }
    }

    /// The null after a script's last result.
    private mutating func finishScript(_ libpq: OpaquePointer, _ effects: inout Effects) {
        guard PQstatus(libpq) == CONNECTION_OK, PQenterPipelineMode(libpq) == 1 else {
            return close(lossReason(libpq), &effects)
        }
        finishCurrent(&effects)
    }

    private mutating func receiveNotifications(_ effects: inout Effects) {
        guard let libpq else { return }
        while let notification = PQnotifies(libpq) {
            effects.notifications.append(
                .notification(
                    channel: String(cString: notification.pointee.relname),
                    payload: String(cString: notification.pointee.extra), processID: notification.pointee.be_pid))
            PQfreemem(notification)
        }
    }

    /// The server's own words when it said why it ends the connection, else libpq's.
    func lossReason(_ libpq: OpaquePointer) -> PostgresError {
        guard var reason = pipeline.current?.error, reason.sqlState?.hasPrefix("57P") == true else {
            return PostgresError(connection: libpq)
        }
        reason.code = .connection
        return reason
    }

    // MARK: COPY

    /// Hands data to libpq. True when the task has to wait for `.drained` before it puts more.
    mutating func put(_ bytes: UnsafeRawBufferPointer, _ effects: inout Effects) throws -> Bool {
        guard let libpq else { throw closeReason }
        guard PQputCopyData(libpq, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(bytes.count)) == 1
        else {
            throw PostgresError(connection: libpq)
        }
        flush(&effects)
        pipeline.updateCurrent { $0.awaitsDrain = wantsToWrite }
        return wantsToWrite
    }

    /// Ends the data: well, or with the reason why the COPY is to fail.
    mutating func endCopy(failure: String?, _ effects: inout Effects) throws {
        guard let libpq else { throw closeReason }
        guard PQputCopyEnd(libpq, failure) == 1 else { throw PostgresError(connection: libpq) }
        pipeline.updateCurrent { $0.isCopying = false }
        flush(&effects)
        // A server that refused the data has said so already, and says no more: no event of the socket would come.
        receiveResults(&effects)
    }
}
