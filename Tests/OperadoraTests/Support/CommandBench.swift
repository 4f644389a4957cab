import Platform
import Postgres
import TestSupport
import Testing

/// The command line on a database of its own.
struct CommandBench: Sendable {
    struct Run {
        let exit: ChildProcess.Exit
        let output: String
        let error: String

        var json: JSON {
            get throws { try JSON(parsing: output) }
        }
    }

    let database: TestDatabase
    var environment: [String: String] { ["DATABASE_URL": database.connectionString] }

    init() async throws { database = try await TestDatabase.make() }

    func run(_ arguments: String...) async throws -> Run { try await run(arguments) }

    func run(
        _ arguments: [String], environment: [String: String] = [:], input: String = ""
    ) async throws -> Run {
        let run = try Executable(arguments, self.environment.merging(environment) { $1 }, input: input)
        async let output = run.output.rest()
        async let error = run.error.rest()
        return Run(exit: try await run.process.exit(), output: await output, error: await error)
    }

    @discardableResult
    func sql(_ query: PostgresQuery) async throws -> PostgresResult { try await database.client.query(query) }

    /// The first column of all rows.
    func column<Value: PostgresDecodable & Sendable>(
        _ query: PostgresQuery, _ type: Value.Type = Value.self
    ) async throws -> [Value] {
        try await sql(query).map { try $0.decode(Value.self) }
    }

    /// The first column of the first row.
    func value<Value: PostgresDecodable & Sendable>(
        _ query: PostgresQuery, _ type: Value.Type = Value.self
    ) async throws -> Value {
        try #require(try await sql(query).first).decode(Value.self)
    }

    /// A job that ended like this, a minute ago.
    func ended(_ id: Int64, _ state: String, kind: String = "work", queue: String = "calls") async throws {
        try await sql(
            """
            INSERT INTO finished_jobs (id, enqueued_at, run_at, finished_at, state, priority, attempt, max_attempts, rescues,
                kind, queue, error, arguments)
            SELECT \(id), at, at, at, \(state)::job_state, 100, 3, 3, 0, \(kind), \(queue), 'broken', '{"name": "n"}'
            FROM (SELECT clock_timestamp() - interval '1 min' AS at) AS moment
            """)
    }
}
