import Platform
import Postgres
import Synchronization

/// Tells workers of work and waiters of results, after the commit, by NOTIFY.
///
/// A commit that carries a notification holds a lock of the whole server until it is on the disk. Ours carry nothing
/// else, so they have nothing to wait for. The first hint is sent at once; those that come while one is under way go
/// together in the next. All are only hints: losing one costs a polling interval.
final class Announcer: Sendable {
    static let jobsChannel = "operadora_jobs"
    static let cancelsChannel = "operadora_cancels"
    static let resultsChannel = "operadora_results"

    private struct State {
        var queues: Set<String> = []
        var results: [JobID] = []
        var isSending = false
        var isAloneTaken = false
        var lastAlone: ContinuousClock.Instant?
    }

    /// Who may notify with its own commit.
    struct Alone {
        /// Nobody had something to tell for long: whoever listens may be asleep, and its part of the server too.
        let isCold: Bool
    }

    private static let coldAfter = Duration.milliseconds(20)

    /// What waits to be sent is bounded by dropping: hints may be lost.
    private static let maximumResults = 10_000
    private static let maximumBatch = 500

    private let client: PostgresClient
    private let logger: Logger
    private let state = Mutex(State())

    init(_ client: PostgresClient, logger: Logger) {
        self.client = client
        self.logger = logger
    }

    func wake(_ queues: some Sequence<String>) { add { $0.queues.formUnion(queues) } }

    func ended(_ ids: some Collection<JobID>) {
        guard !ids.isEmpty else { return }
        add { state in state.results.append(contentsOf: ids.prefix(Self.maximumResults - state.results.count)) }
    }

    /// Nil when this process has a notification under way: at most one may be in a durable commit. Else call `endAlone` after
    /// the commit.
    func beginAlone() -> Alone? {
        state.withLock { state in
            guard !state.isSending, !state.isAloneTaken else { return nil }
            state.isAloneTaken = true
            let now = ContinuousClock.now
            defer { state.lastAlone = now }
            return Alone(isCold: state.lastAlone.map { $0 + Self.coldAfter < now } ?? true)
        }
    }

    func endAlone() { state.withLock { $0.isAloneTaken = false } }

    private func add(_ change: (inout State) -> Void) {
        let start = state.withLock { state in
            change(&state)
            guard !state.isSending, !state.queues.isEmpty || !state.results.isEmpty else { return false }
            state.isSending = true
            return true
        }
        if start { Task { await send() } }
    }

    private func send() async {
        while let hints = take() {
            do {
                try await client.query(Statements.notify(hints))
            } catch {
                logger.debug("hint not sent", metadata: ["error": "\(error)"])
            }
            // Many at a time mean a busy server: one notification for several, rather than one after the other.
            if hints.count > 1 { try? await Task.sleep(for: .milliseconds(1)) }
        }
    }

    private func take() -> [(channel: String, payload: String)]? {
        state.withLock { state in
            var hints = state.queues.map { (channel: Self.jobsChannel, payload: $0) }
            state.queues = []
            let results = state.results.prefix(Self.maximumBatch)
            state.results.removeFirst(results.count)
            hints += results.map { (channel: Self.resultsChannel, payload: "\($0)") }
            state.isSending = !hints.isEmpty
            return hints.isEmpty ? nil : hints
        }
    }
}
