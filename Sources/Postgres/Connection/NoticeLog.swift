import CLibPQ
import Platform
import Synchronization

/// Logs what the server says beside its answers, instead of libpq's printing to standard error. Notices are for debugging;
/// warnings are worth a look.
final class NoticeLog: Sendable {
    private let logger: Logger
    private let sawLocalCommit = Atomic<Bool>(false)

    init(_ logger: Logger) { self.logger = logger }

    /// libpq keeps a plain pointer: this object has to live until the connection is finished.
    func receive(from libpq: OpaquePointer) {
        PQsetNoticeReceiver(
            libpq,
            { log, result in
                guard let log, let result else { return }
                Unmanaged<NoticeLog>.fromOpaque(log).takeUnretainedValue().log(result)
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    /// Whether a commit was called a success since this was last asked, though its wait for the synchronous standby was cut
    /// short by a cancel request: it is on one disk only.
    func takeLocalCommit() -> Bool { sawLocalCommit.exchange(false, ordering: .relaxed) }

    private func log(_ result: OpaquePointer) {
        // PG_DIAG_SOURCE_FUNCTION, 'R': the server has no SQLSTATE for this, and its words depend on its language.
        if PQresultErrorField(result, 82).map({ String(cString: $0) }) == "SyncRepWaitForLSN" {
            sawLocalCommit.store(true, ordering: .relaxed)
        }
        // PG_DIAG_SEVERITY_NONLOCALIZED, 'V'.
        let severity = PQresultErrorField(result, 86).map { String(cString: $0) } ?? ""
        let error = PostgresError(result: result, sql: nil)
        logger.log(
            level: severity == "WARNING" ? .notice : .debug, error.message,
            metadata: ["severity": severity, "sqlState": error.sqlState ?? ""])
    }
}
