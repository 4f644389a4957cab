import Glibc
import Platform
import Postgres
import TestSupport
import Testing

/// Several hosts in the connection string.
@Suite struct HostsTests {
    private let logger = Logger(label: "tests", level: .critical)

    private func connectedPort(_ connectionString: String, connectTimeout: Duration = .seconds(20)) async throws
        -> String
    {
        var configuration = PostgresConfiguration(connectionString: connectionString)
        configuration.connectTimeout = connectTimeout
        configuration.acquireTimeout = .seconds(30)
        let client = PostgresClient(configuration, logger: logger)
        let port = try await client.query("SHOW data_directory")[0].decode(String.self)
        await client.close()
        return port
    }

    @Test("A host that refuses is passed over")
    func refusing() async throws {
        let server = try await TestDatabase.server()
        let directory = try await connectedPort("host=/nowhere,\(server.socketDirectory) user=postgres dbname=postgres")
        #expect(directory.hasPrefix(server.socketDirectory))
    }

    @Test("A host that accepts and then says nothing costs its share of the time-out only")
    func silent() async throws {
        let server = try await TestDatabase.server()
        let proxy = try SilentProxy(server: server.socketDirectory)
        proxy.silenceEverything()
        let watch = Stopwatch()
        let directory = try await connectedPort(
            "host=\(proxy.directory),\(server.socketDirectory) user=postgres dbname=postgres",
            connectTimeout: .seconds(2))
        #expect(directory.hasPrefix(server.socketDirectory))
        #expect(proxy.connectionCount == 1 && watch.elapsed >= .seconds(1))
        proxy.close()
    }

    @Test("When every host is silent, connecting ends at its limit")
    func allSilent() async throws {
        let server = try await TestDatabase.server()
        let proxy = try SilentProxy(server: server.socketDirectory)
        proxy.silenceEverything()
        var configuration = PostgresConfiguration(
            connectionString: "host=\(proxy.directory),\(proxy.directory) user=postgres")
        configuration.connectTimeout = .milliseconds(200)
        configuration.acquireTimeout = .milliseconds(500)
        let client = PostgresClient(configuration, logger: logger)
        let error = await #expect(throws: PostgresError.self) { try await client.query("SELECT 1") }
        #expect(error?.code == .connection && error?.message.contains("no answer within") == true)
        await client.close()
        proxy.close()
    }

    @Test("target_session_attrs=read-write finds the server that takes writes, as after a failover")
    func readWrite() async throws {
        let standby = try await PrivateServer.start(settings: ["default_transaction_read_only": "on"], logger: logger)
        let primary = try await TestDatabase.server()
        let hosts = "\(standby.socketDirectory),\(primary.socketDirectory)"
        let directory = try await connectedPort(
            "host=\(hosts) user=postgres dbname=postgres target_session_attrs=read-write")
        #expect(directory.hasPrefix(primary.socketDirectory))
        await standby.stop()
    }
}
