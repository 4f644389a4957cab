/// One thing that a task asked of a connection, and how far it has come.
struct ConnectionWork: Sendable {
    enum Content: Sendable {
        /// One round trip, one implicit transaction.
        case statements([PostgresQuery])
        /// Text in the simple protocol: a script, or a COPY.
        case script(String)
    }

    enum Waiter: Sendable {
        case continuation(CheckedContinuation<[PostgresResult], any Error>)
        case mailbox(ScriptMailbox)
    }

    /// What the server answers, in order.
    enum Step: Sendable, Equatable {
        /// A statement of our own, whose result nobody waits for.
        case discard
        case prepare(name: String, index: Int)
        /// Executes the statement at `index`, prepared under `name`.
        case execute(name: String?, index: Int)
    }

    let content: Content
    let waiter: Waiter
    /// False for BEGIN, COMMIT and ROLLBACK: nothing to gain, and a failed transaction lets nothing be prepared.
    var isPrepared = true
    var steps: ArraySlice<Step> = []
    var results: [PostgresResult] = []
    var error: PostgresError?
    /// Sent a second time because the first met a lost or outdated prepared statement.
    var isResent = false
    /// A COPY between the server's readiness for data and our end of it.
    var isCopying = false
    /// The task waits until what it put has left our buffers.
    var awaitsDrain = false

    init(_ content: Content, _ waiter: Waiter, isPrepared: Bool = true) {
        self.content = content
        self.waiter = waiter
        self.isPrepared = isPrepared
    }

    var isExclusive: Bool { if case .script = content { true } else { false } }

    /// The text behind the current step, for errors.
    var currentSQL: String? {
        switch content {
        case .script(let sql): return sql
        case .statements(let queries):
            switch steps.first {
            case .prepare(_, let index), .execute(_, let index): return queries[index].sql
            case .discard, nil: return nil
            }
        }
    }

    mutating func succeed(with result: PostgresResult) {
        if case .execute = steps.popFirst() { results.append(result) }
    }

    /// The steps after a failed one are reported as aborted: the first error is the one that counts.
    mutating func fail(_ error: PostgresError) {
        _ = steps.popFirst()
        if self.error == nil { self.error = error }
    }

    mutating func startAgain() {
        isResent = true
        steps = []
        results = []
        error = nil
    }

    /// Whether it failed before any effect because of a prepared statement, and may go again. Effects of statements before the
    /// failed one are rolled back with their implicit transaction, unless one of them ended or opened a transaction.
    var maySendAgain: Bool {
        !isResent && error?.isAboutPreparedStatement == true
            && !results.contains { ["BEGIN", "START", "COMMIT", "ROLLBACK", "PREPARE"].contains($0.command) }
    }
}

/// What the simple protocol tells the task that uses it.
enum ScriptEvent: Sendable {
    /// The server waits for COPY data.
    case copyReady
    /// What was put has left our buffers.
    case drained
    /// All statements are done; how many rows the last one touched.
    case finished(affectedRows: Int)
}
