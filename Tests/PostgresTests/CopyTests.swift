import Platform
import Postgres
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(2))) struct CopyTests {
    private let client: PostgresClient

    init() async throws {
        client = try await TestDatabase.make(migrated: false).client
        try await client.query("CREATE TABLE rows (id int, text text)")
    }

    private struct SourceFailed: Error {}

    private func count() async throws -> Int {
        try await client.query("SELECT count(*) FROM rows")[0].decode(Int.self)
    }

    /// Rows of COPY's text format, 1,000 a chunk, made as they are asked for. Fails after `failingAfter` chunks.
    private func rows(_ count: Int, failingAfter: Int = .max) -> some AsyncSequence<[UInt8], any Error> & Sendable {
        let chunk = Counter()
        return AsyncThrowingStream<[UInt8], any Error> {
            let number = chunk.next()
            if number >= failingAfter { throw SourceFailed() }
            guard number * 1_000 < count else { return nil }
            let first = number * 1_000
            return Array((first..<min(first + 1_000, count)).map { "\($0)\ttext of row \($0)\n" }.joined().utf8)
        }
    }

    private func copy(
        _ source: some AsyncSequence<[UInt8], any Error> & Sendable, _ connection: PostgresConnection? = nil
    ) async throws -> Int {
        if let connection { return try await connection.copyIn(unsafe: "COPY rows FROM STDIN", from: source) }
        return try await client.withConnection { try await $0.copyIn(unsafe: "COPY rows FROM STDIN", from: source) }
    }

    @Test("200,000 rows are copied, and the connection goes on in pipeline mode")
    func many() async throws {
        let total = try await client.withConnection { connection in
            let copied = try await copy(rows(200_000), connection)
            #expect(copied == 200_000)
            return try await connection.query("SELECT sum(id) FROM rows")[0].decode(Int.self)
        }
        #expect(total == 19_999_900_000)
    }

    @Test("A source that fails leaves nothing, and its error is the one that is thrown")
    func failingSource() async throws {
        await #expect(throws: SourceFailed.self) { try await copy(rows(100_000, failingAfter: 50)) }
        #expect(try await count() == 0)
    }

    @Test("A row that the server refuses leaves nothing, and the error tells it")
    func badRow() async throws {
        let source = AsyncThrowingStream<[UInt8], any Error> { source in
            source.yield(Array("1\tgood\nnot a number\tbad\n".utf8))
            source.finish()
        }
        let error = await #expect(throws: PostgresError.self) { try await copy(source) }
        #expect(error?.sqlState == "22P02")
        #expect(try await count() == 0)
    }

    @Test("A row that the server refuses long before the end of the data is told at the end")
    func earlyBadRow() async throws {
        let (source, chunks) = AsyncThrowingStream.makeStream(of: [UInt8].self, throwing: (any Error).self)
        chunks.yield(Array("not a number\tbad\n".utf8))
        let client = client
        let copying = Task { try await copy(source) }
        // Asked through the same event loop: what it tells of later, it has read before.
        #expect(
            try await eventually {
                try await client.query(
                    """
                    SELECT count(*) FROM pg_stat_activity
                    WHERE datname = current_database() AND query LIKE 'COPY rows%' AND state = 'idle'
                    """)[0].decode(Int.self) == 1
            })
        chunks.yield(Array("1\tgood\n".utf8))
        chunks.finish()
        let error = await #expect(throws: PostgresError.self) { try await copying.value }
        #expect(error?.sqlState == "22P02")
        #expect(try await count() == 0)
    }

    @Test("A COPY that is cancelled leaves nothing, also when its source just ends then")
    func cancelled() async throws {
        let (source, chunks) = AsyncThrowingStream.makeStream(of: [UInt8].self, throwing: (any Error).self)
        chunks.yield(Array("1\tone\n".utf8))
        let client = client
        let task = Task {
            try await client.withConnection { try await $0.copyIn(unsafe: "COPY rows FROM STDIN", from: source) }
        }
        #expect(
            try await eventually {
                try await client.query("SELECT count(*) FROM pg_stat_progress_copy WHERE datname = current_database()")[
                    0
                ]
                .decode(Int.self) == 1
            })
        task.cancel()
        let error = await #expect(throws: PostgresError.self) { try await task.value }
        #expect(error?.code == .cancelled)
        #expect(try await count() == 0)
    }

    @Test("A source that is faster than the server waits: a COPY behind a lock takes in only what the buffers hold")
    func backpressure() async throws {
        let taken = Counter()
        let source = AsyncThrowingStream<[UInt8], any Error> {
            let number = taken.next()
            return number < 100_000
                ? Array(repeating: "1\t" + String(repeating: "x", count: 1_000) + "\n", count: 100).joined().utf8.map {
                    $0
                } : nil
        }
        try await client.query("CREATE TABLE gate (value int)")
        try await client.batch([
            "CREATE FUNCTION wait_at_gate() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM 1 FROM gate; RETURN NEW; END $$",
            "CREATE TRIGGER gate BEFORE INSERT ON rows FOR EACH ROW EXECUTE FUNCTION wait_at_gate()",
        ])
        let client = client
        try await client.withTransaction { connection in
            try await connection.query("LOCK TABLE gate IN ACCESS EXCLUSIVE MODE")
            let task = Task {
                try await client.withConnection { try await $0.copyIn(unsafe: "COPY rows FROM STDIN", from: source) }
            }
            var last = -1
            // Stands still: as many looks without a change as fill a tenth of a second of the server's time.
            #expect(
                try await eventually {
                    try await connection.query("SELECT pg_sleep(0.1)")
                    defer { last = taken.value }
                    return taken.value > 0 && taken.value == last
                })
            #expect(taken.value < 1_000)
            task.cancel()
            await #expect(throws: PostgresError.self) { try await task.value }
        }
        #expect(try await count() == 0)
    }

    @Test("A COPY in a transaction commits and rolls back with it")
    func inTransaction() async throws {
        await #expect(throws: SourceFailed.self) {
            try await client.withTransaction { connection in
                _ = try await copy(rows(5_000), connection)
                throw SourceFailed()
            }
        }
        #expect(try await count() == 0)
        try await client.withTransaction { connection in
            try await connection.query("INSERT INTO rows VALUES (0, 'before')")
            _ = try await copy(rows(5_000), connection)
        }
        #expect(try await count() == 5_001)
    }

    @Test("A COPY that the server refuses from the start throws")
    func refusedStatement() async throws {
        let error = await #expect(throws: PostgresError.self) {
            try await client.withConnection { try await $0.copyIn(unsafe: "COPY absent FROM STDIN", from: rows(1)) }
        }
        #expect(error?.sqlState == "42P01")
        #expect(try await count() == 0)
    }

    @Test("Several tasks may copy and query on one connection: each waits for its turn")
    func sharing() async throws {
        try await client.withConnection { connection in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<30 {
                    group.addTask {
                        if number.isMultiple(of: 3) { _ = try await copy(rows(1_500), connection) }
                        let value = try await connection.query("SELECT \(number)")[0].decode(Int.self)
                        #expect(value == number)
                    }
                }
                try await group.waitForAll()
            }
        }
        #expect(try await count() == 15_000)
    }
}
