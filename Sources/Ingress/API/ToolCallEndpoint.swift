import Calls
import HTTP
import Jobs
import Platform
import Postgres
import Synchronization

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

/// `POST /api/execute_tool`: commits the call as a job, and waits for its result as long as a request may be held.
struct ToolCallEndpoint: Sendable {
    let postgres: PostgresClient
    let queue: JobQueue
    let hold: Duration
    let logger: Logger
    private let places = Places(64)

    init(postgres: PostgresClient, queue: JobQueue, hold: Duration, logger: Logger) {
        self.postgres = postgres
        self.queue = queue
        self.hold = hold
        self.logger = logger
    }

    func answer(_ request: ToolCallRequest) async throws(Problem) -> HTTPServerResponse {
        guard places.take() else { throw .tooMany("too many tools are being waited for") }
        defer { places.giveBack() }
        // Without a key of the sender's the request can be repeated all the same: it is told ours.
        let key = request.idempotencyKey ?? Cryptography.randomBytes(16).hexadecimal
        var response = try await answer(request.job, key)
        response.headers[ToolCallRequest.keyHeader] = key
        return response
    }

    private func answer(_ job: ExecuteTool, _ key: String) async throws(Problem) -> HTTPServerResponse {
        do {
            var hold = Hold(hold)
            try await checkCall(of: job, &hold)
            let options = job.options(idempotencyKey: key)
            let id = try await hold.retrying { [queue] in try await queue.enqueue(job, options) }
            let result = try await queue.result(of: id, within: hold.remaining)
            return try response(result, job)
        } catch let problem as Problem {
            throw problem
        } catch {
            logger.error("a tool call could not be written: \(error)", metadata: ["tool": job.name])
            throw .unavailable
        }
    }

    private func checkCall(of job: ExecuteTool, _ hold: inout Hold) async throws {
        guard let callID = job.callID else { return }
        let rows = try await hold.retrying { [postgres] in
            try await postgres.query("SELECT FROM calls WHERE id = \(callID)")
        }
        if rows.isEmpty { throw Problem.unknownCall("call_id") }
    }

    private func response(_ result: JobResult?, _ job: ExecuteTool) throws -> HTTPServerResponse {
        guard let result else {
            return Self.failure(
                "not_ended",
                "the tool has not ended yet: its result is told to the same request with the same Idempotency-Key",
                status: 202)
        }
        switch result.state {
        case .completed:
            guard let answer = try result.result?.decode(ToolAnswer.self) else { break }
            guard answer.request == (try job.digest) else {
                throw Problem.invalid(ToolCallRequest.keyHeader, "was given with another request before")
            }
            log(job, answer)
            var body: [String: JSON] = ["success": .bool(answer.success), "result": answer.result]
            body["system_action"] = answer.systemAction.map { .string($0) }
            body["url"] = answer.url.map { .string($0) }
            return .json(.object(body))
        case .expired:
            return Self.failure("not_started", "the tool was not run: nobody was there to run it in time")
        case .failed, .cancelled, .lost: break
        }
        return Self.failure(
            "uncertain", "the tool was interrupted; it may or may not have been done: do not call it again")
    }

    private func log(_ job: ExecuteTool, _ answer: ToolAnswer) {
        var metadata = ["tool": job.name, "success": "\(answer.success)"]
        if let callID = job.callID { metadata["call"] = "\(callID)" }
        if let action = answer.systemAction { metadata["system_action"] = action }
        logger.info("tool executed", metadata: metadata)
    }

    /// In the form of a tool's own result, since a model reads it.
    private static func failure(_ reason: String, _ problem: String, status: Int = 200) -> HTTPServerResponse {
        .json(
            [
                "success": false,
                "result": ["success": false, "reason": .string(reason), "error": .string(problem)],
            ], status: status)
    }
}
