import Platform
import Postgres
import TestSupport

/// The clock of a test's own database, set by hand: whatever asks `clock_timestamp()` there is told this time.
struct DatabaseClock: Sendable {
    private let client: PostgresClient

    /// Lends a bench whose sessions live at that time.
    static func with<Result: Sendable>(
        _ time: String, maximumConnections: Int = 8, _ body: (JobBench, DatabaseClock) async throws -> Result
    ) async throws -> Result {
        let database = try await TestDatabase.make()
        try await database.client.withConnection { connection in
            try await connection.executeScript(
                unsafe: """
                    CREATE SCHEMA stopped;
                    CREATE TABLE stopped.clock (shown timestamptz NOT NULL);
                    INSERT INTO stopped.clock VALUES (now());
                    CREATE FUNCTION stopped.clock_timestamp() RETURNS timestamptz LANGUAGE sql
                        AS 'SELECT shown FROM stopped.clock';
                    """)
        }
        // pg_catalog comes first unless it is named.
        let url = database.connectionString + " options='-c search_path=stopped,public,pg_catalog'"
        var configuration = PostgresConfiguration(connectionString: url)
        configuration.maximumConnections = maximumConnections
        let client = PostgresClient(configuration, logger: Logger(label: "tests", level: .critical))
        let clock = DatabaseClock(client: database.client)
        try await clock.set(time)
        return try await JobBench.with(client, url: url) { bench in
            let result = try await body(bench, clock)
            await database.client.close(within: .seconds(1))
            return result
        }
    }

    func set(_ time: String, plus offset: Duration = .zero) async throws {
        try await client.query("UPDATE stopped.clock SET shown = \(time)::timestamptz + \(offset)")
    }
}
