import Calls
import HTTP
import Jobs
import Platform
import Postgres
import Synchronization

/// `POST /api/execute_tool`: commits the call as a job, and waits for its result as long as a request may be held.
struct ToolCallEndpoint: Sendable {
    private let postgres: PostgresClient
    private let queue: JobQueue
    private let hold: Duration
    private let places: Places
    private let logger: Logger

    /// - Parameter maximumWaiting: requests that are held at once.
    init(postgres: PostgresClient, queue: JobQueue, hold: Duration, maximumWaiting: Int, logger: Logger) {
        self.postgres = postgres
        self.queue = queue
        self.hold = hold
        self.logger = logger
        places = Places(maximumWaiting)
    }

    func answer(_ request: ToolCallRequest) async throws(Problem) -> HTTPServerResponse {
        guard places.take() else { throw .tooMany("too many tools are being waited for") }
        defer { places.giveBack() }
        // Without a key of the sender's the request can be repeated all the same: it is told ours.
        let key = request.idempotencyKey ?? Cryptography.randomBytes(16).hexadecimal
        var hold = Hold(hold)
        try await checkCall(of: request.job, &hold)
        do {
            var response = try await outcome(of: request.job, key, &hold)
            response.headers[ToolCallRequest.keyHeader] = key
            return response
        } catch {
            if !(error is CancellationError) {
                logger.error("a tool call may not be written: \(error)", metadata: ["tool": request.job.name])
            }
            var problem = Problem.late
            problem.headers[ToolCallRequest.keyHeader] = key
            throw problem
        }
    }

    private func checkCall(of job: ExecuteTool, _ hold: inout Hold) async throws(Problem) {
        guard let callID = job.callID else { return }
        let rows: PostgresResult
        do {
            rows = try await hold.retrying { [postgres] in
                try await postgres.query("SELECT FROM calls WHERE id = \(callID)")
            }
        } catch {
            throw .unavailable
        }
        if rows.isEmpty { throw .unknownCall("call_id") }
    }

    private func outcome(of job: ExecuteTool, _ key: String, _ hold: inout Hold) async throws -> HTTPServerResponse {
        let options = try job.options(idempotencyKey: key)
        while true {
            let id = try await hold.retrying { [queue] in try await queue.enqueue(job, options) }
            guard let result = try await queue.result(of: id, within: hold.remaining) else {
                return Self.response(
                    .refusal(
                        "not_ended",
                        "the tool has not ended yet: its result is told to the same request with the same Idempotency-Key"
                    ), status: 202)
            }
            // A crash of the server undid the job before it was on the disk: nothing of it was begun.
            if result.state == .lost || result.uniqueKey != options.uniqueKey { continue }
            if result.state == .completed, let answer = try result.result?.decode(ToolAnswer.self) {
                return Self.response(answer)
            }
            if result.state == .expired, try await !wasBegun(id) {
                return Self.response(
                    .refusal("not_started", "the tool was not run: nobody was there to run it in time"))
            }
            return Self.response(.interrupted)
        }
    }

    private func wasBegun(_ job: JobID) async throws -> Bool {
        try await !postgres.query("SELECT FROM tool_calls WHERE job_id = \(job)").isEmpty
    }

    private static func response(_ answer: ToolAnswer, status: Int = 200) -> HTTPServerResponse {
        var body: [String: JSON] = ["success": .bool(answer.success), "result": answer.result]
        body["system_action"] = answer.systemAction.map { .string($0) }
        body["url"] = answer.url.map { .string($0) }
        return .json(.object(body), status: status)
    }
}

/// So many at once, and no more.
private final class Places: Sendable {
    private let left: Mutex<Int>

    init(_ count: Int) { left = Mutex(count) }

    func take() -> Bool {
        left.withLock { left in
            guard left > 0 else { return false }
            left -= 1
            return true
        }
    }

    func giveBack() { left.withLock { $0 += 1 } }
}
