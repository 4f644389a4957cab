import CLibPQ
import Glibc
import Platform

/// Makes connections, each attempt on a helper thread: libpq looks up names while blocking, and TLS takes its time.
struct Connector: Sendable {
    let configuration: PostgresConfiguration
    let loop: EventLoop
    let logger: Logger
    private let connectThreads = HelperThreads(limit: 4)
    private let cancelThreads = HelperThreads(limit: 4)

    init(_ configuration: PostgresConfiguration, loop: EventLoop, logger: Logger) {
        self.configuration = configuration
        self.loop = loop
        self.logger = logger
    }

    // Sendable because whoever receives it is the only one to use it.
    private struct Handle: @unchecked Sendable { let libpq: OpaquePointer }

    /// A connection that is ready for work. Takes at most the configuration's `connectTimeout`, and as long again for the session's
    /// settings; a name server that does not answer can make it longer.
    func connect(
        onNotification: @escaping @Sendable (PostgresListenEvent) -> Void = { _ in },
        onClose: @escaping @Sendable (PostgresConnection) -> Void = { _ in }
    ) async throws -> PostgresConnection {
        let libpq = try await open().libpq
        let notices = NoticeLog(logger)
        notices.receive(from: libpq)
        let connection = PostgresConnection(
            libpq: libpq, loop: loop, cancelThreads: cancelThreads, notices: notices,
            statementCacheSize: configuration.usesTransactionPooler ? 0 : configuration.statementCacheSize,
            onNotification: onNotification, onClose: onClose)
        do {
            try await prepare(connection)
            if let limit = configuration.answerLimit { connection.watch(limit: limit) }
            return connection
        } catch {
            connection.close()
            throw error
        }
    }

    private func prepare(_ connection: PostgresConnection) async throws {
        // A setting of the session would stay with a server's connection that others are lent next.
        guard !configuration.usesTransactionPooler else { return }
        let limits = [
            "statement_timeout": configuration.statementTimeout, "lock_timeout": configuration.lockTimeout,
        ].compactMapValues { $0.map { String($0.wholeMilliseconds) } }
        guard !limits.isEmpty else { return }
        let timer = Task {
            try await Task.sleep(for: configuration.connectTimeout)
            connection.close(PostgresError(.connection, "the server accepted the connection, then did not answer"))
        }
        defer { timer.cancel() }
        try await connection.query(
            """
            SELECT set_config(name, value, false)
            FROM unnest(\(Array(limits.keys)), \(Array(limits.values))) AS setting (name, value)
            """)
    }

    private func open() async throws -> Handle {
        let configuration = configuration
        return try await withCheckedThrowingContinuation { continuation in
            connectThreads.run {
                continuation.resume(with: Result { Handle(libpq: try Self.open(configuration)) })
            }
        }
    }

    /// Blocks. libpq goes from host to host by itself when one refuses, but waits for ever for one that is silent: each host has
    /// its share of the time, then it is left out.
    private static func open(_ configuration: PostgresConfiguration) throws -> OpaquePointer {
        var target = try ConnectionTarget(configuration)
        let deadline = ContinuousClock.now + configuration.connectTimeout
        let share = configuration.connectTimeout / target.hosts.count
        while true {
            var attempt = try ConnectionAttempt(target, hostLimit: share, deadline: deadline)
            switch attempt.run() {
            case .connected(let libpq): return libpq
            case .failed(let error): throw error
            case .silent(let host):
                target.remove(host)
                guard !target.hosts.isEmpty, ContinuousClock.now < deadline else {
                    throw PostgresError(
                        .connection, "no answer within \(configuration.connectTimeout) from \(host.host)")
                }
            }
        }
    }
}

/// One libpq connection on its way to being open.
struct ConnectionAttempt {
    enum Outcome {
        /// The caller owns it.
        case connected(OpaquePointer)
        case failed(PostgresError)
        /// This host took more than its share of the time.
        case silent(ConnectionTarget.Host)
    }

    private let libpq: OpaquePointer
    private let hostLimit: Duration
    private let deadline: ContinuousClock.Instant
    private var host = ConnectionTarget.Host()
    private var hostDeadline: ContinuousClock.Instant

    init(_ target: ConnectionTarget, hostLimit: Duration, deadline: ContinuousClock.Instant) throws {
        guard let libpq = target.start() else { throw PostgresError(.connection, "out of memory for a connection") }
        // For the SQLSTATE of a refusal, see PostgresError(failedAttempt:).
        PQsetErrorVerbosity(libpq, PQERRORS_VERBOSE)
        self.libpq = libpq
        self.hostLimit = hostLimit
        self.deadline = deadline
        hostDeadline = deadline
    }

    mutating func run() -> Outcome {
        // As if the last call of PQconnectPoll had said so; libpq's documentation of PQconnectStart.
        var wanted = PQstatus(libpq) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING
        while wanted == PGRES_POLLING_READING || wanted == PGRES_POLLING_WRITING {
            noteHost()
            guard wait(for: wanted) else {
                PQfinish(libpq)
                return .silent(host)
            }
            wanted = PQconnectPoll(libpq)
        }
        guard wanted == PGRES_POLLING_OK else {
            defer { PQfinish(libpq) }
            return .failed(PostgresError(failedAttempt: String(cString: PQerrorMessage(libpq))))
        }
        PQsetErrorVerbosity(libpq, PQERRORS_DEFAULT)
        return .connected(libpq)
    }

    private mutating func noteHost() {
        func text(_ value: UnsafeMutablePointer<CChar>?) -> String { value.map { String(cString: $0) } ?? "" }
        let now = ConnectionTarget.Host(
            host: text(PQhost(libpq)), address: text(PQhostaddr(libpq)), port: text(PQport(libpq)))
        guard now != host else { return }
        host = now
        hostDeadline = min(deadline, ContinuousClock.now + hostLimit)
    }

    private func wait(for wanted: PostgresPollingStatusType) -> Bool {
        let events = wanted == PGRES_POLLING_READING ? POLLIN : POLLOUT
        while true {
            let left = (hostDeadline - ContinuousClock.now).wholeMilliseconds
            guard left > 0 else { return false }
            var socket = pollfd(fd: PQsocket(libpq), events: Int16(events), revents: 0)
            let ready = poll(&socket, 1, Int32(clamping: left))
            if ready > 0 { return true }
            if ready < 0, errno != EINTR { return false }
        }
    }
}

extension Duration {
    var wholeMilliseconds: Int64 { components.seconds * 1_000 + components.attoseconds / 1_000_000_000_000_000 }
}
