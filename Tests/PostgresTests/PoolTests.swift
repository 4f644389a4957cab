import Platform
import Postgres
import TestSupport
import Testing

@Suite struct PoolTests {
    private let logger = Logger(label: "tests", level: .critical)

    private func client(
        _ connectionString: String, _ change: (inout PostgresConfiguration) -> Void = { _ in }
    ) -> PostgresClient {
        var configuration = PostgresConfiguration(connectionString: connectionString)
        change(&configuration)
        return PostgresClient(configuration, logger: logger)
    }

    @Test("Who gets no connection within the limit hears why, and the pool goes on")
    func acquireTimeout() async throws {
        let database = try await TestDatabase.make(migrated: false)
        let single = client(database.connectionString) {
            $0.maximumConnections = 1
            $0.acquireTimeout = .milliseconds(200)
        }
        // Connecting may take longer than that.
        #expect(try await eventually { (try? await single.query("SELECT 1")) != nil })
        try await single.withConnection { connection in
            let error = await #expect(throws: PostgresError.self) { try await single.query("SELECT 1") }
            #expect(error?.code == .poolTimeout && error?.isTransient == true)
            try await connection.query("SELECT 1")
        }
        #expect(try await single.query("SELECT 1")[0].decode(Int.self) == 1)
        await single.close()
    }

    @Test("A thousand tasks share four connections, and no more are ever opened")
    func sharing() async throws {
        let database = try await TestDatabase.make(migrated: false, maximumConnections: 4)
        let sum = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<1_000 {
                group.addTask { try await database.client.query("SELECT \(number)")[0].decode(Int.self) }
            }
            return try await group.reduce(0, +)
        }
        #expect(sum == 499_500)
        let count = try await database.client.query(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'"
        )
        #expect(try count[0].decode(Int.self) <= 4)
    }

    @Test("A client outlives restarts of its server: what was running fails as lost, what comes later succeeds")
    func restart() async throws {
        let server = try await PrivateServer.start(logger: logger)
        let client = client(server.connectionString()) { $0.acquireTimeout = .seconds(30) }
        try await client.query("CREATE TABLE numbers (value int)")
        for mode in [PrivateServer.StopMode.immediate, .fast] {
            let running = Task { try await client.query("INSERT INTO numbers SELECT 1 FROM pg_sleep(600)") }
            let isRunning = try await eventually {
                try await client.query("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")[0].decode(
                    Int.self) == 1
            }
            #expect(isRunning)
            // Asked for while the server is away.
            async let waiting = client.query("SELECT count(*) FROM numbers")
            try await server.restart(mode)
            let error = await #expect(throws: PostgresError.self) { try await running.value }
            #expect(error?.isTransient == true)
            _ = try? await waiting
            let count = try await client.query("SELECT count(*) FROM numbers")[0].decode(Int.self)
            #expect(count == 0)
        }
        await client.close()
        await server.stop()
    }

    @Test("While nobody listens, callers wait for the server and then hear that it cannot be reached")
    func nobodyThere() async throws {
        let client = client("host=/nowhere dbname=x") { $0.acquireTimeout = .seconds(3) }
        let error = await #expect(throws: PostgresError.self) { try await client.query("SELECT 1") }
        #expect(error?.code == .connection && error?.isTransient == true)
        #expect(error?.message.contains("/nowhere") == true)
        await client.close()
    }

    @Test(
        "A database that does not exist, a role that may not log in, and a string that is none fail at once and for good"
    )
    func refusals() async throws {
        let server = try await TestDatabase.server()
        for (connectionString, state) in [
            (server.connectionString(database: "absent"), "3D000"),
            ("\(server.connectionString()) user=nobody_of_that_name", "28000"),
        ] {
            let client = client(connectionString) { $0.acquireTimeout = .seconds(600) }
            let error = await #expect(throws: PostgresError.self) { try await client.query("SELECT 1") }
            #expect(error?.code == .connection && error?.sqlState == state && error?.isTransient == false)
            await client.close()
        }
        let client = client("this is = not one; password=hunter2")
        let error = await #expect(throws: PostgresError.self) { try await client.query("SELECT 1") }
        #expect(error.map { "\($0)".contains("hunter2") } == false && error?.isTransient == false)
        await client.close()
    }

    @Test("Closing waits for what is lent, then refuses, then ends subscriptions")
    func closing() async throws {
        let client = try await TestDatabase.make(migrated: false).client
        let events = client.listen(["any"])
        let (inside, entered) = AsyncStream.makeStream(of: Void.self)
        let running = Task {
            try await client.withConnection { connection in
                entered.finish()
                return try await connection.query("SELECT 7 FROM pg_sleep(0.2)")[0].decode(Int.self)
            }
        }
        for await _ in inside {}
        await client.close(within: .seconds(60))
        #expect(try await running.value == 7)
        let error = await #expect(throws: PostgresError.self) { try await client.query("SELECT 1") }
        #expect(error?.code == .closed)
        for await _ in events {}
    }

    @Test("Closing with a limit cuts off what is still running")
    func closingByForce() async throws {
        let client = try await TestDatabase.make(migrated: false).client
        let (inside, entered) = AsyncStream.makeStream(of: Void.self)
        let running = Task {
            try await client.withConnection { connection in
                entered.finish()
                try await connection.query("SELECT pg_sleep(600)")
            }
        }
        for await _ in inside {}
        await client.close(within: .milliseconds(50))
        let error = await #expect(throws: PostgresError.self) { try await running.value }
        #expect(error?.code == .closed)
    }

    @Test("A half-open connection is found by the idle check and replaced before anybody needs it")
    func halfOpen() async throws {
        let server = try await TestDatabase.server()
        let proxy = try SilentProxy(server: server.socketDirectory)
        let client = client("host=\(proxy.directory) user=postgres dbname=postgres") {
            $0.idleCheck = .milliseconds(50)
            $0.connectTimeout = .milliseconds(500)
        }
        let first = try await client.query("SELECT pg_backend_pid()")[0].decode(Int.self)
        proxy.silencePresentConnections()
        // The proxy hears the check's close; before that a query would wait on the silent connection.
        let other = try await TestDatabase.make(migrated: false).client
        #expect(
            try await eventually {
                try await other.query("SELECT 1")
                return proxy.endedConnectionCount == 1
            })
        #expect(try await client.query("SELECT pg_backend_pid()")[0].decode(Int.self) != first)
        await client.close()
        proxy.close()
    }

    @Test("A connection whose server turns out to be a standby is not used again")
    func readOnly() async throws {
        let client = try await TestDatabase.make(migrated: false, maximumConnections: 1).client
        let first = try await client.withConnection { connection in
            try await connection.query("SET default_transaction_read_only = on")
            let error = await #expect(throws: PostgresError.self) {
                try await connection.query("CREATE TABLE refused (value int)")
            }
            #expect(error?.sqlState == "25006" && error?.isTransient == true)
            return try await connection.query("SELECT pg_backend_pid()")[0].decode(Int.self)
        }
        #expect(try await client.query("SELECT pg_backend_pid()")[0].decode(Int.self) != first)
    }
}
