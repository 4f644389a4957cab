import Platform
import Postgres
import TestSupport
import Testing

@Suite struct CancellationTests {
    private let database: TestDatabase
    private var client: PostgresClient { database.client }

    init() async throws { database = try await TestDatabase.make(migrated: false) }

    /// A statement that runs until it is cancelled: the lock is somebody else's.
    private let blocked = "SELECT pg_advisory_xact_lock(1)" as PostgresQuery

    /// Runs `body` while the lock is taken.
    private func whileLocked(_ body: () async throws -> Void) async throws {
        try await client.withTransaction { connection in
            try await connection.query(blocked)
            try await body()
        }
    }

    private func waitUntilBlocked(_ count: Int = 1) async throws {
        #expect(
            try await eventually {
                let waiting = try await client.query(
                    """
                    SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
                        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                    """)
                return try waiting[0].decode(Int.self) == count
            })
    }

    @Test("Cancelling a task cancels its statement on the server")
    func onServer() async throws {
        try await whileLocked {
            let task = Task { try await client.query(blocked) }
            try await waitUntilBlocked()
            task.cancel()
            let error = await #expect(throws: PostgresError.self) { try await task.value }
            #expect(error?.code == .cancelled && error?.sqlState == "57014")
            try await waitUntilBlocked(0)
        }
    }

    @Test("A task that is cancelled already sends nothing")
    func before() async throws {
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            try await client.query("CREATE TABLE unwanted (value int)")
        }
        let error = await #expect(throws: PostgresError.self) { try await task.value }
        #expect(error?.code == .cancelled)
        let table = try await client.query("SELECT to_regclass('unwanted') IS NULL")
        #expect(try table[0].decode(Bool.self))
    }

    @Test("The connection of a cancelled statement goes on, and is the same one")
    func keepsConnection() async throws {
        let single = try await TestDatabase.make(migrated: false, maximumConnections: 1).client
        let before = try await single.query("SELECT pg_backend_pid()")[0].decode(Int.self)
        for _ in 0..<20 {
            let (running, isRunning) = AsyncStream.makeStream(of: Void.self)
            let task = Task {
                try await single.withConnection { connection in
                    isRunning.finish()
                    try await connection.query("SELECT pg_sleep(60)")
                }
            }
            for await _ in running {}
            task.cancel()
            await #expect(throws: PostgresError.self) { try await task.value }
        }
        #expect(try await single.query("SELECT pg_backend_pid()")[0].decode(Int.self) == before)
    }

    @Test("A late cancel never hits another task's statement")
    func neverOthers() async throws {
        let single = try await TestDatabase.make(migrated: false, maximumConnections: 1).client
        try await withThrowingTaskGroup(of: Void.self) { group in
            // Cancelled at about the moment when they end by themselves.
            group.addTask {
                for number in 0..<150 {
                    let task = Task {
                        try await single.query("SELECT count(*) FROM generate_series(1, \(number * 50))")
                    }
                    for _ in 0..<number { await Task.yield() }
                    task.cancel()
                    do {
                        _ = try await task.value
                    } catch let error as PostgresError {
                        #expect(error.code == .cancelled)
                    }
                }
            }
            for _ in 0..<2 {
                group.addTask {
                    for number in 0..<300 {
                        let rows = try await single.query("SELECT \(number) FROM generate_series(1, 500)")
                        let value = try rows[0].decode(Int.self)
                        #expect(value == number)
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    @Test("A cancelled statement in a shared pipeline leaves the others alone")
    func sharedPipeline() async throws {
        try await client.withConnection { connection in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<200 {
                    let task = Task { try await connection.query("SELECT \(number), pg_sleep(0.001)") }
                    if number.isMultiple(of: 3) {
                        group.addTask {
                            task.cancel()
                            _ = try? await task.value
                        }
                    } else {
                        group.addTask {
                            let value = try await task.value[0].decode(Int.self)
                            #expect(value == number)
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test("A task that waits for a connection can be cancelled")
    func waiting() async throws {
        let single = try await TestDatabase.make(migrated: false, maximumConnections: 1).client
        try await single.withConnection { connection in
            let task = Task { try await single.query("SELECT 1") }
            for _ in 0..<10 { await Task.yield() }
            task.cancel()
            let error = await #expect(throws: PostgresError.self) { try await task.value }
            #expect(error?.code == .cancelled)
            try await connection.query("SELECT 1")
        }
    }

    @Test("A script that is cancelled is cancelled on the server, and leaves nothing")
    func script() async throws {
        try await whileLocked {
            let task = Task {
                try await client.withConnection {
                    try await $0.executeScript(unsafe: "CREATE TABLE half (value int); SELECT pg_advisory_xact_lock(1)")
                }
            }
            try await waitUntilBlocked()
            task.cancel()
            let error = await #expect(throws: PostgresError.self) { try await task.value }
            #expect(error?.code == .cancelled)
            #expect(try await client.query("SELECT to_regclass('half') IS NULL")[0].decode(Bool.self))
        }
    }
}
