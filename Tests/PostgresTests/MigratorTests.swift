import FoundationEssentials
import Platform
import Postgres
import TestSupport
import Testing

@Suite struct MigratorTests {
    private let logger = Logger(label: "tests", level: .critical)

    private let files = [
        "001_first.up.sql": "CREATE TABLE first (value int);\nINSERT INTO first VALUES (1);",
        "001_first.down.sql": "DROP TABLE first;",
        "002_second.up.sql": "CREATE TABLE second (value int);",
        "002_second.down.sql": "DROP TABLE second;",
        "README.md": "not a migration",
    ]

    private func migrator(_ files: [String: String]) throws -> Migrator {
        let files = try MigrationFiles(files)
        return try withExtendedLifetime(files) { try Migrator(directory: files.directory, logger: logger) }
    }

    private func up(_ files: [String: String], _ client: PostgresClient) async throws -> [String] {
        try await migrator(files).up(client).map(\.name)
    }

    @Test("Migrations go up once, and down again newest first")
    func upAndDown() async throws {
        let client = try await TestDatabase.make(migrated: false).client
        let migrator = try self.migrator(files)
        #expect(try await migrator.status(client).pending.map(\.number) == [1, 2])
        #expect(try await up(files, client) == ["first", "second"])
        #expect(try await up(files, client) == [])
        let status = try await migrator.status(client)
        #expect(
            status.applied.map(\.name) == ["first", "second"] && status.pending.isEmpty && status.refusal == nil)
        #expect(try await migrator.down(client).map(\.name) == ["second"])
        #expect(try await migrator.down(client, count: 5).map(\.name) == ["first"])
        #expect(try await migrator.status(client).applied.isEmpty)
        #expect(try await client.query("SELECT to_regclass('first') IS NULL")[0].decode(Bool.self))
    }

    @Test("Ten processes that start at once apply each migration once")
    func concurrent() async throws {
        let database = try await TestDatabase.make(migrated: false)
        let applied = try await withThrowingTaskGroup(of: [String].self) { group in
            for _ in 0..<10 {
                // A client each, as processes have.
                let client = PostgresClient(
                    PostgresConfiguration(connectionString: database.connectionString), logger: logger)
                group.addTask { try await up(files, client) }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(applied == ["first", "second"])
        #expect(try await database.client.query("SELECT count(*) FROM first")[0].decode(Int.self) == 1)
    }

    @Test("CREATE INDEX CONCURRENTLY works while other processes wait for their turn")
    func concurrentIndex() async throws {
        let database = try await TestDatabase.make(migrated: false)
        let more = [
            "003_index.up.sql": "-- no transaction\nCREATE INDEX CONCURRENTLY first_value ON first (value);",
            "003_index.down.sql": "-- no transaction\nDROP INDEX CONCURRENTLY first_value;",
        ]
        let files = self.files.merging(more) { $1 }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<5 { group.addTask { _ = try await up(files, database.client) } }
            try await group.waitForAll()
        }
        #expect(
            try await migrator(files).down(database.client).map(\.name) == ["index"])
    }

    @Test("A migration that fails is named with its line, leaves nothing, and keeps those before it")
    func failing() async throws {
        let client = try await TestDatabase.make(migrated: false).client
        let broken = [
            "002_second.up.sql":
                "CREATE TABLE second (value int);\nINSERT INTO second VALUES (1);\nSELECT 1 FRM second;"
        ]
        let files = self.files.merging(broken) { $1 }
        let error = await #expect(throws: MigrationError.self) { try await up(files, client) }
        #expect(error?.message.contains("002_second.up.sql, line 3") == true)
        #expect(error?.cause?.sqlState == "42601")
        #expect(try await client.query("SELECT to_regclass('second') IS NULL")[0].decode(Bool.self))
        #expect(
            try await migrator(files).status(client).applied.map(\.name) == ["first"]
        )
    }

    @Test("A migration that ends its own transaction is refused")
    func ownCommit() async throws {
        let client = try await TestDatabase.make(migrated: false).client
        let files = self.files.merging(["002_second.up.sql": "SELECT 1; COMMIT;"]) { $1 }
        let error = await #expect(throws: MigrationError.self) { try await up(files, client) }
        #expect(error?.message.contains("002_second.up.sql ends the transaction") == true)
    }

    @Test(
        "A database with changed, unknown, renamed or missing migrations is refused, and status tells why",
        arguments: [
            ("UPDATE schema_migrations SET checksum = 'other' WHERE number = 1", "001_first.up.sql was changed"),
            ("INSERT INTO schema_migrations VALUES (3, 'future', 'x')", "003_future, which this version does not know"),
            (
                "UPDATE schema_migrations SET name = 'alien' WHERE number = 2",
                "002_alien where this version has 002_second"
            ),
            ("DELETE FROM schema_migrations WHERE number = 1", "002_second but not 001_first"),
        ])
    func refusal(_ tampering: String, _ reason: String) async throws {
        let client = try await TestDatabase.make(migrated: false).client
        _ = try await up(files, client)
        try await client.query(PostgresQuery(unsafe: tampering))
        let migrator = try self.migrator(files)
        for attempt in [{ _ = try await migrator.up(client) }, { _ = try await migrator.down(client) }]
            as [() async throws -> Void]
        {
            let error = await #expect(throws: MigrationError.self) { try await attempt() }
            #expect(error?.message.contains(reason) == true)
        }
        #expect(try await migrator.status(client).refusal?.contains(reason) == true)
    }

    @Test("A schema_migrations of another program is left alone")
    func foreignTable() async throws {
        let client = try await TestDatabase.make(migrated: false).client
        try await client.query("CREATE TABLE schema_migrations (version text)")
        let error = await #expect(throws: MigrationError.self) { try await up(files, client) }
        #expect(error?.message.contains("another program") == true)
    }

    @Test("Migrations go into the first schema of the search path; one that does not exist is an error")
    func searchPath() async throws {
        let database = try await TestDatabase.make(migrated: false)
        try await database.client.query("CREATE SCHEMA elsewhere")
        func client(_ schema: String) -> PostgresClient {
            PostgresClient(
                PostgresConfiguration(
                    connectionString: "\(database.connectionString) options='-c search_path=\(schema)'"),
                logger: logger)
        }
        #expect(try await up(files, client("elsewhere")) == ["first", "second"])
        #expect(try await up(files, database.client) == ["first", "second"])
        let error = await #expect(throws: MigrationError.self) { try await up(files, client("absent")) }
        #expect(error?.message.contains("search_path") == true)
        let schemas = try await database.client.query(
            "SELECT schemaname::text FROM pg_tables WHERE tablename = 'schema_migrations' ORDER BY 1")
        let names = try schemas.map { try $0.decode(String.self) }
        #expect(names == ["elsewhere", "public"])
    }

    @Test(
        "A directory with gaps, duplicates, missing halves or odd names is refused by name",
        arguments: [
            (["001_a.up.sql", "001_a.down.sql", "003_c.up.sql", "003_c.down.sql"], "number 002 is missing"),
            (["001_a.up.sql", "001_a.down.sql", "001_b.up.sql", "001_b.down.sql"], "taken twice: a, b"),
            (["001_a.up.sql"], "001_a.up.sql has no down half"), (["001_a.down.sql"], "001_a.down.sql has no up half"),
            (["1_a.up.sql"], "1_a.up.sql is not named"), (["001_a.sql"], "001_a.sql is not named"),
        ])
    func directories(_ names: [String], _ reason: String) async throws {
        let files = Dictionary(uniqueKeysWithValues: names.map { ($0, "") })
        let error = #expect(throws: MigrationError.self) { try migrator(files) }
        #expect(error?.message.contains(reason) == true)
    }

    @Test("The schema of this repository goes up, down and up again")
    func repository() async throws {
        let client = try await TestDatabase.make(migrated: false).client
        let migrator = try Migrator(directory: TestDatabase.migrations, logger: logger)
        let applied = try await migrator.up(client)
        #expect(try await migrator.down(client, count: applied.count).count == applied.count)
        let left = try await client.query(
            """
            SELECT relname::text FROM pg_class c WHERE relnamespace = 'public'::regnamespace
                AND relname !~ '^schema_migrations' AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = c.oid AND deptype = 'e')
            UNION ALL
            SELECT proname::text FROM pg_proc p WHERE pronamespace = 'public'::regnamespace
                AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = p.oid AND deptype = 'e')
            UNION ALL
            SELECT typname::text FROM pg_type t WHERE typnamespace = 'public'::regnamespace AND typelem = 0
                AND typname !~ 'schema_migrations' AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = t.oid AND deptype = 'e')
            """)
        let names = try left.map { try $0.decode(String.self) }
        #expect(names == [])
        #expect(try await migrator.up(client) == applied)
    }
}

/// A directory with these files. The migrator reads it once, so it may go right after.
private final class MigrationFiles {
    let directory: String

    init(_ files: [String: String]) throws {
        directory = FileManager.default.temporaryDirectory.appending(path: "migrations-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        for (name, text) in files {
            try text.write(toFile: "\(directory)/\(name)", atomically: false, encoding: .utf8)
        }
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }
}
