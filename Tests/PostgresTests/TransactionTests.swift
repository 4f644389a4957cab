import Platform
import Postgres
import TestSupport
import Testing

@Suite struct TransactionTests {
    private let client: PostgresClient

    init() async throws {
        client = try await TestDatabase.make(migrated: false).client
        try await client.query("CREATE TABLE entries (value int UNIQUE DEFERRABLE INITIALLY DEFERRED)")
    }

    private struct Stop: Error {}

    private func count() async throws -> Int {
        try await client.query("SELECT count(*) FROM entries")[0].decode(Int.self)
    }

    @Test("A transaction commits when its body returns, and leaves nothing when it throws")
    func commitOrRollBack() async throws {
        try await client.withTransaction { connection in
            try await connection.query("INSERT INTO entries VALUES (1)")
            try await connection.query("INSERT INTO entries VALUES (2)")
        }
        await #expect(throws: Stop.self) {
            try await client.withTransaction { connection in
                try await connection.query("INSERT INTO entries VALUES (3)")
                throw Stop()
            }
        }
        #expect(try await count() == 2)
    }

    @Test("A transaction whose failed statement was swallowed does not pretend to commit")
    func swallowed() async throws {
        let error = await #expect(throws: PostgresError.self) {
            try await client.withTransaction { connection in
                try await connection.query("INSERT INTO entries VALUES (1)")
                _ = try? await connection.query("SELECT 1 / 0")
            }
        }
        #expect(error?.sqlState == "25P02")
        #expect(try await count() == 0)
    }

    @Test("A constraint that is checked at COMMIT fails the transaction")
    func deferred() async throws {
        let error = await #expect(throws: PostgresError.self) {
            try await client.withTransaction { try await $0.query("INSERT INTO entries VALUES (1), (1)") }
        }
        #expect(error?.sqlState == "23505")
        let value: Int = try await client.withTransaction { try await $0.query("SELECT 1")[0].decode(Int.self) }
        #expect(value == 1)
    }

    @Test("A transaction that is cancelled leaves nothing, also when its body ignores that")
    func cancelled() async throws {
        let client = client
        let (inside, entered) = AsyncStream.makeStream(of: Void.self)
        let (cancelled, go) = AsyncStream.makeStream(of: Void.self)
        let task = Task {
            try await client.withTransaction { connection in
                try await connection.query("INSERT INTO entries VALUES (1)")
                entered.finish()
                for await _ in cancelled {}
            }
        }
        for await _ in inside {}
        task.cancel()
        go.finish()
        let error = await #expect(throws: PostgresError.self) { try await task.value }
        #expect(error?.code == .cancelled)
        #expect(try await count() == 0)
    }

    @Test("An open transaction does not outlive the loan of its connection")
    func leftOpen() async throws {
        try await client.withConnection { connection in
            try await connection.query("BEGIN")
            try await connection.query("INSERT INTO entries VALUES (1)")
        }
        #expect(try await count() == 0)
        let isOpen = try await client.query(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'")
        #expect(try isOpen[0].decode(Int.self) == 0)
    }

    @Test("A second transaction inside a transaction is refused, and an empty one costs nothing")
    func nested() async throws {
        try await client.withTransaction { connection in
            await #expect(throws: PostgresError.self) { try await connection.withTransaction { _ in } }
            try await connection.query("INSERT INTO entries VALUES (1)")
        }
        #expect(try await count() == 1)
        let value = try await client.withTransaction { _ in 5 }
        #expect(value == 5)
    }

    @Test("A script in a transaction is part of it, and its error tells the position")
    func script() async throws {
        await #expect(throws: Stop.self) {
            try await client.withTransaction { connection in
                try await connection.executeScript(
                    unsafe: "INSERT INTO entries VALUES (1); INSERT INTO entries VALUES (2)")
                throw Stop()
            }
        }
        #expect(try await count() == 0)
        let error = await #expect(throws: PostgresError.self) {
            try await client.withConnection {
                try await $0.executeScript(unsafe: "INSERT INTO entries VALUES (1);\nSELECT 1 FRM x")
            }
        }
        #expect(error?.position == 46)
        #expect(try await count() == 0)
    }
}
