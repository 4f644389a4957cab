import Platform
import Postgres
import TestSupport
import Testing

/// Servers that owe an answer and do not give it.
@Suite("Silence", .timeLimit(.minutes(1)))
struct SilenceTests {
    private func client(_ directory: String, limit: Duration?) -> PostgresClient {
        var configuration = PostgresConfiguration(connectionString: "host=\(directory) user=postgres dbname=postgres")
        configuration.maximumConnections = 1
        configuration.acquireTimeout = .seconds(30)
        configuration.connectTimeout = .seconds(30)
        configuration.statementTimeout = limit
        return PostgresClient(configuration, logger: Logger(label: "tests", level: .critical))
    }

    @Test("A statement that has no answer past the server's own limit costs its connection, and the next one works")
    func silentStatement() async throws {
        let proxy = try SilentProxy(server: try await TestDatabase.server().socketDirectory)
        defer { proxy.close() }
        let client = client(proxy.directory, limit: .milliseconds(300))
        try await client.query("SELECT 1")
        proxy.silencePresentConnections()
        let error = await #expect(throws: PostgresError.self) { try await client.query("SELECT 1") }
        #expect(error?.code == .connection)
        #expect(error?.isTransient == true)
        #expect(try await client.query("SELECT 2")[0].decode(Int.self) == 2)
        await client.close()
    }

    @Test("A slow statement is stopped by the server, and its connection stays")
    func slowStatement() async throws {
        let client = client(try await TestDatabase.server().socketDirectory, limit: .milliseconds(300))
        let process = try await client.query("SELECT pg_backend_pid()")[0].decode(Int.self)
        let error = await #expect(throws: PostgresError.self) { try await client.query("SELECT pg_sleep(30)") }
        #expect(error?.sqlState == "57014")
        #expect(try await client.query("SELECT pg_backend_pid()")[0].decode(Int.self) == process)
        await client.close()
    }

    @Test("A transaction that lifts the limit may take any time, and only that transaction")
    func lifted() async throws {
        let client = client(try await TestDatabase.server().socketDirectory, limit: .milliseconds(200))
        try await client.withTransaction { connection in
            try await connection.liftStatementTimeout()
            // Longer than the server's limit, and than ours for an answer.
            try await connection.query("SELECT pg_sleep(1)")
        }
        let error = await #expect(throws: PostgresError.self) { try await client.query("SELECT pg_sleep(30)") }
        #expect(error?.sqlState == "57014")
        await client.close()
    }

    @Test("The limit can only be lifted inside of a transaction")
    func liftedOutside() async throws {
        let client = client(try await TestDatabase.server().socketDirectory, limit: .seconds(30))
        await #expect(throws: PostgresError.self) {
            try await client.withConnection { try await $0.liftStatementTimeout() }
        }
        await client.close()
    }

    @Test("A quick statement has a limit of its own, past which the server does not go on for nobody")
    func quick() async throws {
        let server = try await TestDatabase.server()
        let (hurried, other) = (client(server.socketDirectory, limit: nil), client(server.socketDirectory, limit: nil))
        let error = await #expect(throws: PostgresError.self) {
            try await hurried.query("SELECT pg_sleep(3600) AS for_nobody", within: .milliseconds(200))
        }
        #expect(error?.code == .connection)
        let stillRuns: PostgresQuery = """
            SELECT EXISTS (SELECT FROM pg_stat_activity
                WHERE query LIKE '%for_nobody' AND state = 'active' AND pid <> pg_backend_pid())
            """
        #expect(try await eventually { try await !other.query(stillRuns)[0].decode(Bool.self) })
        #expect(try await hurried.query("SELECT 1", within: .seconds(30))[0].decode(Int.self) == 1)
        await hurried.close()
        await other.close()
    }

    @Test("Behind a transaction pooler there is nothing to listen to: the stream ends at once")
    func pooled() async throws {
        let server = try await TestDatabase.server()
        var configuration = PostgresConfiguration(connectionString: server.connectionString())
        configuration.usesTransactionPooler = true
        let client = PostgresClient(configuration, logger: Logger(label: "tests", level: .critical))
        var events = 0
        for await _ in client.listen(["channel"]) { events += 1 }
        #expect(events == 0)
        await client.close()
    }
}
