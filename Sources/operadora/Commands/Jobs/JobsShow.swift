import Platform
import Postgres

/// `operadora jobs show`: all that is known of one job.
struct JobsShow: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "show", abstract: "Show a job with its arguments, progress, error and result.",
            discussion: "EXAMPLE:\n  operadora jobs show 4711 --json")
    }
    @Argument(help: "Number of the job.", valueName: "id") var id: Int64
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await Database.with { client in
            guard let job = try await Self.load(id, client) else { throw JobActions.unknown(id) }
            Console.print(output.json ? job.text : Self.text(of: job))
        }
    }

    /// Nil when there is none.
    static func load(_ id: Int64, _ client: PostgresClient) async throws -> JSON? {
        // One statement: a job that ends just now is seen before or after, never in between.
        try await client.query(
            """
            SELECT job || jsonb_build_object('retry_of', (SELECT id FROM finished_jobs WHERE retried_as = \(id) LIMIT 1))
            FROM (
                SELECT to_jsonb(jobs) || jsonb_build_object(
                    'worker_name', (SELECT name FROM workers WHERE workers.id = jobs.worker),
                    'progress', (SELECT to_jsonb(shown) - 'job_id' FROM job_progress AS shown WHERE job_id = jobs.id)
                ) AS job FROM jobs WHERE id = \(id)
                UNION ALL
                (SELECT to_jsonb(ended) FROM finished_jobs AS ended WHERE id = \(id) ORDER BY finished_at DESC LIMIT 1)
            ) AS found LIMIT 1
            """
        ).first?.decode(JSON.self)
    }

    static func text(of job: JSON) -> String {
        let attempts = "\(cell(job["attempt"])) of \(cell(job["max_attempts"]))"
        let facts: [(String, String)] = [
            ("kind", cell(job["kind"])), ("queue", cell(job["queue"])), ("state", cell(job["state"])),
            ("progress", progress(job["progress"])), ("attempt", attempts), ("rescues", cell(job["rescues"])),
            ("priority", cell(job["priority"])), ("key", cell(job["key"])), ("unique key", cell(job["unique_key"])),
            ("enqueued", cell(job["enqueued_at"])), ("due", cell(job["run_at"])), ("start by", cell(job["start_by"])),
            ("claimed", cell(job["claimed_at"])), ("worker", worker(of: job)), ("ended", cell(job["finished_at"])),
            ("batch", cell(job["batch"])), ("options", cell(job["options"])),
            ("retry of", cell(job["retry_of"])), ("retried as", cell(job["retried_as"])),
            ("discarded", cell(job["discarded_at"])), ("error", cell(job["error"])),
            ("arguments", job["arguments"]?.text ?? ""), ("result", result(job["result"])),
        ]
        let lines = facts.filter { !$0.1.isEmpty }.map { name, value in
            "\(name):\(String(repeating: " ", count: max(1, 13 - name.count)))\(value)"
        }
        return (["Job \(cell(job["id"]))"] + lines).joined(separator: "\n")
    }

    /// `45 %, 450 of 1000 rows`; empty when nothing was said.
    static func progress(_ progress: JSON?) -> String {
        guard let fraction = progress?["fraction"]?.number else { return "" }
        let message = cell(progress?["message"])
        return "\(Int((fraction * 100).rounded(.down))) %" + (message.isEmpty ? "" : ", \(message)")
    }

    private static func cell(_ value: JSON?) -> String { OutputOptions.cell(value) }

    private static func worker(of job: JSON) -> String {
        let (id, name) = (cell(job["worker"]), cell(job["worker_name"]))
        return name.isEmpty ? id : "\(id) (\(name))"
    }

    private static func result(_ result: JSON?) -> String { result.map { $0.isNull ? "" : $0.text } ?? "" }
}
