import FoundationEssentials
import Glibc
import Platform
import Postgres
import TestSupport
import Testing

@Suite struct PrivateServerTests {
    private let logger = Logger(label: "tests", level: .error)

    @Test("A private server keeps its data over an immediate restart, and leaves nothing behind when it is stopped")
    func restart() async throws {
        let server = try await PrivateServer.start(logger: logger)
        let client = PostgresClient(
            PostgresConfiguration(connectionString: try await server.createDatabase(named: "a \"name\"")),
            logger: logger)
        try await client.query("CREATE TABLE kept AS SELECT 42 AS value")
        try await server.restart(.immediate)
        let value = try await client.query("SELECT value FROM kept")[0].decode(Int.self)
        #expect(value == 42)
        let directory = try await client.query("SHOW data_directory")[0].decode(String.self)
        await client.close()
        await server.stop()
        #expect(!FileManager.default.fileExists(atPath: directory))
    }

    @Test("A server that cannot start is reported with its log")
    func failure() async throws {
        let error = await #expect(throws: PostgresError.self) {
            _ = try await PrivateServer.start(settings: ["shared_buffers": "nonsense"], logger: logger)
        }
        #expect(error?.message.contains("shared_buffers") == true)
    }

    @Test("The schema of this repository migrates")
    func migrated() async throws {
        let database = try await TestDatabase.make()
        let tables = try await database.client.query(
            "SELECT count(*) FROM information_schema.tables WHERE table_name IN ('jobs', 'calls')")
        #expect(try tables[0].decode(Int.self) == 2)
    }
}
