import FoundationEssentials
import Glibc
import Platform
import TestSupport

@testable import Postgres

/// A PgBouncer in transaction mode in front of a private server, on a Unix socket in a directory of its own.
///
/// Two server connections for everybody: who relies on having one to itself is found out at once. It ends with this object.
final class PgBouncer: Sendable {
    static let serverConnections = 2

    private let directory: String
    private let keeper: ServerKeeper

    /// Whether a test that needs it is to run: it is installed, or `OPERADORA_REQUIRE_PEERS=1` makes its absence a failure.
    static var isExpected: Bool { PythonPeer.isRequired || access(program, X_OK) == 0 }

    private static let program = "/usr/sbin/pgbouncer"

    /// - Parameter server: the directory of the server's socket.
    init(server: String) throws {
        let binaries = try ServerBinaries.find()
        directory = try PrivateServer.makeHome(for: binaries.owner)
        let settings = """
            [databases]
            * = host=\(server) user=postgres
            [pgbouncer]
            listen_addr =
            listen_port = 5432
            unix_socket_dir = \(directory)
            auth_type = any
            pool_mode = transaction
            default_pool_size = \(Self.serverConnections)
            max_client_conn = 200
            logfile = \(directory)/pgbouncer.log
            """
        let path = "\(directory)/pgbouncer.ini"
        try settings.write(toFile: path, atomically: false, encoding: .utf8)
        // It refuses to run as root, as PostgreSQL does.
        let command = binaries.command("pgbouncer", [path]).map { $0.hasSuffix("/pgbouncer") ? Self.program : $0 }
        keeper = try ServerKeeper(home: directory, command: command, endSignal: "TERM")
    }

    /// How to reach a database of the server through it.
    func configuration(database: String) -> PostgresConfiguration {
        var configuration = PostgresConfiguration(
            connectionString: "host=\(directory) user=postgres dbname=\(database)")
        configuration.usesTransactionPooler = true
        // It may still be starting.
        configuration.acquireTimeout = .seconds(60)
        configuration.connectTimeout = .seconds(60)
        return configuration
    }
}
