import Platform
import Postgres

/// A campaign of made-up leads in the rig, launched by SQL as any outsider would.
struct Campaign: Sendable {
    let id: Int64
    private let client: PostgresClient

    /// - Parameter redial: of the campaign; `{}` dials everybody at most once.
    init(
        in rig: Rig, leads: Int, maximumConcurrentCalls: Int, redial: JSON = [:], tools: [String]? = nil
    ) async throws {
        client = rig.client
        id = try await client.query(
            """
            INSERT INTO campaigns (name, language, timezone, max_concurrent_calls, calls_per_second, redial, tools)
            VALUES ('Chaos ' || gen_random_uuid(), 'en', 'America/New_York', \(maximumConcurrentCalls)::int, 1000,
                \(redial), \(tools)) RETURNING id
            """)[0].decode(Int64.self)
        try await client.query(
            """
            INSERT INTO leads (campaign_id, name, phone, language)
            SELECT \(id), 'Lead ' || n, '+1212555' || to_char(n, 'FM0000'), (ARRAY['en', 'es', 'pt'])[1 + n % 3]
            FROM generate_series(1, \(leads)) AS n
            """)
    }

    func launch() async throws -> Int {
        try await client.query("SELECT launch_campaign(\(id))")[0].decode(Int.self)
    }

    /// Calls that have not been brought to their end, outcome and all.
    func unfinishedCalls() async throws -> Int {
        try await client.query("SELECT count(*) FROM calls WHERE campaign_id = \(id) AND finalized_at IS NULL")[0]
            .decode(Int.self)
    }

    /// The number of unfinished calls, each time that a job ends.
    func progress() -> AsyncThrowingStream<Int, any Error> {
        let (stream, progress) = AsyncThrowingStream.makeStream(of: Int.self)
        let task = Task {
            do {
                let clock = ContinuousClock()
                while !Task.isCancelled {
                    progress.yield(try await unfinishedCalls())
                    try await clock.sleep(for: .milliseconds(100))
                }
            } catch { progress.finish(throwing: error) }
        }
        progress.onTermination = { _ in task.cancel() }
        return stream
    }

    func callsUnderWay() async throws -> Int {
        try await client.query(
            """
            SELECT count(*) FROM calls
            WHERE campaign_id = \(id) AND status IN ('dialing', 'ringing', 'in_progress')
            """)[0].decode(Int.self)
    }

    func outcomes() async throws -> [String: Int] {
        let rows = try await client.query(
            "SELECT coalesce(outcome, 'none'), count(*) FROM calls WHERE campaign_id = \(id) GROUP BY 1")
        return try Dictionary(uniqueKeysWithValues: rows.map { try $0.decode(String.self, Int.self) })
    }
}
