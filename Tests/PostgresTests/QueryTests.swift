import FoundationEssentials
import Platform
import Postgres
import TestSupport
import Testing

@Suite struct QueryTests {
    private let database: TestDatabase
    private var client: PostgresClient { database.client }

    init() async throws { database = try await TestDatabase.make(migrated: false) }

    @Test("Every type comes back as it was bound")
    func roundTrip() async throws {
        let id = UUID()
        let date = Date(timeIntervalSince1970: 1_800_000_000.123456)
        let json: JSON = ["a": [1, 2.5, true, nil], "ñ": "\u{1F600}"]
        let row = try await client.query(
            """
            SELECT \(true), \(Int16.min), \(Int32.max), \(Int64.min), \(7), \(1.5), \(Float(0.25)), \("héllo"),
                   \([0, 255, 1] as [UInt8]), \(date), \(id), \(json), \(Duration.milliseconds(-90_061_500)), \(nil as String?)
            """)[0]
        let values = try row.decode(
            Bool.self, Int16.self, Int32.self, Int64.self, Int.self, Double.self, Float.self, String.self, [UInt8].self,
            Date.self, UUID.self, JSON.self, Duration.self, String?.self)
        #expect(values.0 && values.1 == .min && values.2 == .max && values.3 == .min && values.4 == 7)
        #expect(values.5 == 1.5 && values.6 == 0.25 && values.7 == "héllo" && values.8 == [0, 255, 1])
        #expect(abs(values.9.timeIntervalSince(date)) < 0.000_001)
        #expect(values.10 == id && values.11 == json && values.12 == .milliseconds(-90_061_500) && values.13 == nil)
    }

    @Test("Arrays come back as they were bound, empty ones and NULL elements included")
    func arrays() async throws {
        let row = try await client.query(
            "SELECT \([1, 2, 3]), \(["a", nil, "{\"}"] as [String?]), \([] as [UUID]), \([true, false]), \([[1], []] as [[UInt8]])"
        )[0]
        let values = try row.decode([Int].self, [String?].self, [UUID].self, [Bool].self, [[UInt8]].self)
        #expect(values.0 == [1, 2, 3] && values.1 == ["a", nil, "{\"}"] && values.2.isEmpty)
        #expect(values.3 == [true, false] && values.4 == [[1], []])
    }

    @Test(
        "A numeric reads as the digits that the server prints",
        arguments: [
            "0", "0.00", "-0.00012", "12345.678", "10000", "99999999999999999999.000000001", "-1", "NaN", "Infinity",
            "1e-20", "1e20",
            "0.0001", "10000.0001",
        ])
    func numeric(_ text: String) async throws {
        let value = try await client.query("SELECT \(text)::text::numeric, (\(text)::text::numeric)::text")[0]
        let (read, printed) = try value.decode(String.self, String.self)
        #expect(read == printed)
    }

    @Test("bytea, text, json and jsonb read as Data, and a column by its place; one that is not there is named")
    func data() async throws {
        let row = try await client.query("SELECT \([0, 255] as [UInt8]), 'é', '{}'::json, '[1]'::jsonb, ''::bytea, 1")[
            0]
        #expect(try row.decode(Data.self, at: 0) == Data([0, 255]) && row.decode(Data.self, at: 1) == Data("é".utf8))
        #expect(try row.decode(Data.self, at: 2) == Data("{}".utf8) && row.decode(Data.self, at: 3) == Data("[1]".utf8))
        #expect(try row.decode(Data.self, at: 4).isEmpty && row.decode(Int.self, at: 5) == 1)
        #expect(throws: PostgresError.self) { try row.decode(Data.self, at: 5) }
        let missing = #expect(throws: PostgresError.self) { try row.decode(Int.self, at: 6) }
        #expect(missing?.description.contains("6 columns") == true)
    }

    @Test("Enums, names, json, varchar and domains read as String; integers of any width as Int; dates as Date")
    func conversions() async throws {
        try await client.query("CREATE TYPE mood AS ENUM ('sad', 'glad')")
        try await client.query("CREATE DOMAIN label AS text")
        let row = try await client.query(
            "SELECT 'glad'::mood, 'n'::name, '{\"a\": 1}'::json, 'v'::varchar, 'd'::label, 1::int2, 2::int4, '2026-03-01'::date"
        )[0]
        let values = try row.decode(
            String.self, String.self, String.self, String.self, String.self, Int.self, Int.self, Date.self)
        #expect(values.0 == "glad" && values.1 == "n" && values.2 == "{\"a\": 1}" && values.3 == "v" && values.4 == "d")
        #expect(values.5 == 1 && values.6 == 2 && values.7 == Date(timeIntervalSince1970: 1_772_323_200))
    }

    @Test(
        "A value of an unfitting type is an error that names its column",
        arguments: [
            "point '(1,2)'", "ARRAY[1]", "ROW(1, 'a')", "now()", "1.5::float8", "true", "int4range(1, 2)",
            "'10.0.0.1'::inet",
        ])
    func unfitting(_ expression: String) async throws {
        let row = try await client.query("SELECT \(unsafe: expression) AS odd")[0]
        let error = #expect(throws: PostgresError.self) { try row.decode(String.self) }
        #expect(error?.code == .decoding)
        #expect(error?.message.contains("\"odd\"") == true)
    }

    @Test("NULL, too few columns and numbers that do not fit are decoding errors")
    func decodingErrors() async throws {
        let row = try await client.query("SELECT NULL::int AS nothing, 300 AS big")[0]
        for attempt in [
            { _ = try row.decode(Int.self) }, { _ = try row.decode(Int?.self, Int.self, Int.self) },
            { _ = try row.decode(UInt8.self, column: "big") }, { _ = try row.decode(Int.self, column: "absent") },
        ] as [() throws -> Void] {
            #expect(throws: PostgresError.self) { try attempt() }
        }
    }

    @Test(
        "Hostile text is a value, never a statement",
        arguments: [
            "'; DROP TABLE kept; --", "\\'; DROP TABLE kept; --", "$1", "\u{0}", "a\u{0}b", "\u{202E}\u{FEFF}",
            "🧨\n\r\t\"", "",
            String(repeating: "x", count: 1 << 20),
        ])
    func hostile(_ text: String) async throws {
        try await client.batch(["DROP TABLE IF EXISTS kept", "CREATE TABLE kept (value text)"])
        try await client.query("INSERT INTO kept VALUES (\(text))")
        let value = try await client.query("SELECT value FROM kept")[0].decode(String.self)
        // PostgreSQL's text has no U+0000.
        #expect(value == text.replacing("\u{0}", with: "\u{FFFD}"))
    }

    @Test("A refused statement tells SQLSTATE, constraint, table and position, and its description hides values")
    func errors() async throws {
        try await client.query(
            "CREATE TABLE people (name text CONSTRAINT name_is_short CHECK (length(name) < 5), UNIQUE (name))")
        let check = await #expect(throws: PostgresError.self) {
            try await client.query("INSERT INTO people VALUES (\("secretissimo"))")
        }
        #expect(check?.code == .server && check?.sqlState == "23514")
        #expect(check?.constraint == "name_is_short" && check?.table == "people" && check?.schema == "public")
        #expect(check?.description.contains("secretissimo") == false)
        let syntax = await #expect(throws: PostgresError.self) { try await client.query("SELECT 1 FRM people") }
        #expect(syntax?.sqlState == "42601" && syntax?.position == 14)
        let value = await #expect(throws: PostgresError.self) {
            try await client.query("SELECT \("secretissimo")::text::integer")
        }
        #expect(value?.sqlState == "22P02" && value?.message.contains("secretissimo") == true)
        #expect(value?.description.contains("secretissimo") == false)
        #expect(value?.isTransient == false)
    }

    @Test("What the protocol cannot carry is refused before it is sent, and the connection goes on")
    func limits() async throws {
        try await client.withConnection { connection in
            let before = try await connection.query("SELECT pg_backend_pid()")[0].decode(Int.self)
            let tooMany = PostgresQuery(unsafe: "SELECT 1", binds: Array(repeating: PostgresBind(1), count: 65_536))
            for (query, state) in [(tooMany, "54023"), (PostgresQuery(unsafe: "SELECT '\u{0}'"), "42601")] {
                let error = await #expect(throws: PostgresError.self) { try await connection.query(query) }
                #expect(error?.sqlState == state && error?.isTransient == false)
            }
            let values = (1...65_535).map { PostgresBind($0) }
            let sum = PostgresQuery(
                unsafe: "SELECT sum(v)::int8 FROM (VALUES " + (1...65_535).map { "($\($0))" }.joined(separator: ",")
                    + ") t(v)",
                binds: values)
            #expect(try await connection.query(sum)[0].decode(Int.self) == 2_147_450_880)
            #expect(try await connection.query("SELECT pg_backend_pid()")[0].decode(Int.self) == before)
        }
    }

    @Test("A batch is all or nothing, and tells the first failure")
    func batch() async throws {
        try await client.query("CREATE TABLE batched (value int PRIMARY KEY)")
        let error = await #expect(throws: PostgresError.self) {
            try await client.batch([
                "INSERT INTO batched VALUES (1)", "INSERT INTO batched VALUES (1)", "INSERT INTO absent VALUES (2)",
            ])
        }
        #expect(error?.sqlState == "23505")
        let results = try await client.batch([
            "INSERT INTO batched SELECT generate_series(1, 5)", "SELECT count(*) FROM batched", "DELETE FROM batched",
        ])
        #expect(results[0].affectedRows == 5 && results[2].affectedRows == 5)
        #expect(try results[1][0].decode(Int.self) == 5)
    }

    @Test("A failing statement in the pipeline fails alone")
    func isolation() async throws {
        let failures = try await client.withConnection { connection in
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<500 {
                    group.addTask {
                        do {
                            let row = try await connection.query("SELECT \(number), 1 / \(number % 7)")[0]
                            #expect(try row.decode(Int.self) == number)
                            return false
                        } catch let error as PostgresError {
                            #expect(error.sqlState == "22012")
                            return true
                        }
                    }
                }
                return try await group.reduce(into: 0) { count, failed in count += failed ? 1 : 0 }
            }
        }
        #expect(failures == 72)
    }

    @Test("Statements that the server has forgotten or that a changed table has outdated are prepared anew")
    func stalePlans() async throws {
        try await client.query("CREATE TABLE changing (value int)")
        try await client.withConnection { connection in
            let statement = "SELECT * FROM changing" as PostgresQuery
            try await connection.query(statement)
            try await connection.query("ALTER TABLE changing ADD COLUMN other text")
            try await connection.query(statement)
            try await connection.query("DEALLOCATE ALL")
            try await connection.query(statement)
            try await connection.query("ALTER TABLE changing DROP COLUMN other")
            let error = await #expect(throws: PostgresError.self) {
                try await connection.withTransaction { try await $0.query(statement) }
            }
            #expect(error?.sqlState == "0A000" && error?.isTransient == true)
            try await connection.withTransaction { _ = try await $0.query(statement) }
        }
    }

    @Test("Another refusal of class 0A is not tried again")
    func unsupported() async throws {
        try await client.query("CREATE SEQUENCE tried")
        await #expect(throws: PostgresError.self) {
            try await client.query("SELECT nextval('tried'), xmlparse(document '<a/>') FROM nowhere")
        }
        await #expect(throws: PostgresError.self) {
            try await client.batch([
                "SELECT nextval('tried')", "CREATE TABLE odd (value int) INHERITS (pg_class, pg_stat_activity)",
            ])
        }
        #expect(try await client.query("SELECT nextval('tried')")[0].decode(Int.self) == 2)
    }

    @Test(
        "A connection keeps no more statements prepared than it may, and prepares none when the cache is off",
        arguments: [3, 0])
    func cacheLimit(_ size: Int) async throws {
        var configuration = client.configuration
        configuration.statementCacheSize = size
        let small = PostgresClient(configuration, logger: Logger(label: "tests", level: .error))
        try await small.withConnection { connection in
            for round in 0..<3 {
                for number in 0..<10 {
                    let row = try await connection.query("SELECT \(unsafe: String(number)) + \(round)")[0]
                    #expect(try row.decode(Int.self) == number + round)
                }
            }
            let count = try await connection.query("SELECT count(*) FROM pg_prepared_statements")[0].decode(Int.self)
            #expect(count == min(size, 3))
        }
        await small.close()
    }

    @Test("COPY as a query is refused with what to use instead, and the client goes on")
    func copyAsQuery() async throws {
        let error = await #expect(throws: PostgresError.self) { try await client.query("COPY pg_class TO STDOUT") }
        #expect(error?.message.contains("copyIn") == true)
        #expect(try await client.query("SELECT 1")[0].decode(Int.self) == 1)
    }

    @Test("A result of many megabytes arrives whole, beside small ones")
    func large() async throws {
        async let big = client.query("SELECT repeat('x', 50000) FROM generate_series(1, 400)")
        for number in 0..<100 { #expect(try await client.query("SELECT \(number)")[0].decode(Int.self) == number) }
        let total = try await big.reduce(0) { try $0 + $1.decode(String.self).utf8.count }
        #expect(total == 20_000_000)
    }
}
