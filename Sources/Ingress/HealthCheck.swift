import HTTP
import Platform
import Postgres

/// Whether the database answers: what a load balancer needs to know of this process.
struct HealthCheck: Sendable {
    let postgres: PostgresClient
    let limit: Duration

    func response() async -> HTTPServerResponse {
        let stopwatch = Stopwatch()
        let answered = try? await Hold(limit).limiting { try await postgres.query("SELECT 1") }
        guard answered != nil else {
            return .json(["status": "unavailable", "database": "does not answer"], status: 503)
        }
        return .json(["status": "ok", "database_ms": .number(stopwatch.elapsed.inMilliseconds)])
    }
}
