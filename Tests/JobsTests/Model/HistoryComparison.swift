import Jobs
import Postgres

/// What is there is not what the model says.
struct Difference: Error, CustomStringConvertible {
    let description: String
}

extension History {
    func differ<Value: Equatable>(_ expected: Value, _ found: Value, _ what: String) throws {
        guard expected == found else { throw Difference(description: "\(what): \(found) instead of \(expected)") }
    }

    /// The lines that only one of them has.
    private func differ(lines expected: [String], _ found: [String], _ what: String) throws {
        guard expected != found else { return }
        let (extra, missing) = (found.filter { !expected.contains($0) }, expected.filter { !found.contains($0) })
        throw Difference(description: "\(what): \(extra) instead of \(missing)")
    }

    /// Everything that can be seen.
    mutating func compare() async throws {
        try await readFences()
        try differ(
            lines: model.jobs.map(line),
            try await bench.column(
                """
                SELECT concat_ws(' ', id, state, queue, attempt, claims, rescues, coalesce(worker, 0), woken, cancel_requested)
                FROM jobs ORDER BY id
                """), "jobs")
        try differ(
            lines: model.ended.map { "\($0.job.id) \($0.state) \($0.retriedAs ?? 0) \($0.isDiscarded ? "t" : "f")" }
                .sorted(),
            try await bench.column(
                """
                SELECT concat_ws(' ', id, state, coalesce(retried_as, 0), discarded_at IS NOT NULL) FROM finished_jobs
                """
            ).sorted(), "ended jobs")
        try differ(
            lines: Set(model.jobs.compactMap(\.key)).sorted(),
            try await bench.column("SELECT key FROM job_keys ORDER BY key"),
            "keys")
        try differ(
            lines: model.limits.flatMap { name, limit in limit.holders.map { "\(name) \($0)" } }.sorted(),
            try await bench.column("SELECT limit_name || ' ' || holder FROM job_slots").sorted(), "slots")
        try differ(
            lines: model.dependencies.flatMap { id, others in others.map { "\(id) \($0)" } }.sorted(),
            try await bench.column(
                """
                SELECT d.job_id || ' ' || d.depends_on FROM job_dependencies d
                WHERE EXISTS (SELECT FROM jobs j WHERE j.id = d.job_id)
                """
            ).sorted(), "dependencies")
        try differ(
            lines: model.batches.map { "\($0) \($1.size ?? -1) \($1.completed) \($1.unsuccessful)" }.sorted(),
            try await bench.column(
                "SELECT concat_ws(' ', id, coalesce(size, -1), completed, unsuccessful) FROM job_batches"
            ).sorted(), "batches")
        try differ(
            lines: (model.schedule?.ticks ?? [:]).map { "\($0) \(($1 ?? 0))" }.sorted(),
            try await bench.column(
                """
                SELECT extract(epoch FROM tick - \(Self.start)::timestamptz)::bigint || ' ' || coalesce(job_id, 0)
                FROM schedule_ticks
                """
            ).sorted(), "ticks")
    }

    private func line(_ job: QueueModel.Entry) -> String {
        let flags = [job.isWoken, job.isCancelled].map { $0 ? "t" : "f" }.joined(separator: " ")
        return
            "\(job.id) \(job.state) \(job.queue) \(job.attempt) \(job.claims ?? 0) \(job.rescues) \(job.worker ?? 0) \(flags)"
    }

    /// Where the claims of new jobs begin.
    private mutating func readFences() async throws {
        let new = model.jobs.filter { $0.claims == nil }.map(\.id)
        guard !new.isEmpty else { return }
        let fences = try await bench.sql("SELECT id, claims FROM jobs WHERE id = ANY (\(new))").map {
            try $0.decode(JobID.self, Int.self)
        }
        for (id, claims) in fences { model.change(id) { $0.claims = claims } }
    }
}
