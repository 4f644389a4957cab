import CLibPQ
import Glibc
import Platform

/// Makes connections. libpq looks names up and tries host after host while blocking, so each attempt has a thread of its own.
struct Connector: Sendable {
    let configuration: PostgresConfiguration

    // Sendable because whoever receives it is the only one to use it.
    private struct Handle: @unchecked Sendable { let libpq: OpaquePointer? }

    func connect(
        on loop: EventLoop,
        onNotification: @escaping @Sendable (PostgresListenEvent) -> Void = { _ in },
        onClose: @escaping @Sendable (PostgresConnection) -> Void = { _ in }
    ) async throws -> PostgresConnection {
        let parameters = parameters
        let libpq = await OwnThread.run { Handle(libpq: Self.open(parameters)) }.libpq
        guard let libpq, PQstatus(libpq) == CONNECTION_OK else {
            let error = PostgresError(connection: libpq)
            PQfinish(libpq)
            throw error
        }
        let connection = PostgresConnection(
            libpq: libpq, loop: loop, onNotification: onNotification, onClose: onClose)
        if let limit = configuration.statementTimeout {
            try await connection.query("SELECT set_config('statement_timeout', \(limit.wholeMilliseconds), false)")
        }
        return connection
    }

    /// What stands in the connection string wins over what comes before it, and loses to what comes after.
    private var parameters: [(String, String)] {
        [
            ("fallback_application_name", configuration.applicationName),
            ("keepalives_idle", "30"), ("keepalives_interval", "10"), ("keepalives_count", "3"),
            ("tcp_user_timeout", "30000"),
            ("connect_timeout", String(max(2, configuration.connectTimeout.components.seconds))),
            ("client_encoding", "UTF8"),
            ("dbname", configuration.connectionString),
        ]
    }

    private static func open(_ parameters: [(String, String)]) -> OpaquePointer? {
        var keywords: [UnsafeMutablePointer<CChar>?] = parameters.map { strdup($0.0) }
        var values: [UnsafeMutablePointer<CChar>?] = parameters.map { strdup($0.1) }
        defer { (keywords + values).forEach { free($0) } }
        keywords.append(nil)
        values.append(nil)
        return keywords.map { UnsafePointer($0) }.withUnsafeBufferPointer { keywords in
            values.map { UnsafePointer($0) }.withUnsafeBufferPointer { values in
                PQconnectdbParams(keywords.baseAddress, values.baseAddress, 1)
            }
        }
    }
}

extension Duration {
    fileprivate var wholeMilliseconds: String {
        String(components.seconds * 1_000 + components.attoseconds / 1_000_000_000_000_000)
    }
}
