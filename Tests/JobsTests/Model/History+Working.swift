import Jobs
import Postgres

/// What workers do.
extension History {
    mutating func registerWorker() async throws -> String {
        let worker = try await bench.registerWorker()
        model.workers.insert(worker)
        everyWorker.append(worker)
        return "register worker \(worker)"
    }

    mutating func claim() async throws -> String {
        let (worker, queue, count) = (pick(everyWorker), pick(Self.queues), int(1..<5))
        let claimed: [JobID] = try await bench.column(
            "SELECT id FROM claim_jobs(\(worker), \(queue), ARRAY['work'], \(Int32(count))) ORDER BY id")
        let expected = model.claim(worker, queue, count)
        try differ(expected, claimed, "claimed of \(queue), at most \(count), by worker \(worker)")
        for id in claimed { remember(id) }
        return "claim \(claimed) of \(queue) by worker \(worker)"
    }

    mutating func settle() async throws -> String {
        guard let lease = leases.randomElement(using: &random) else { return "nothing to settle" }
        let outcome =
            lease.ending
            ?? pick(["completed", "completed", "completed", "failed", "cancelled", "retry", "snooze", "release"])
        let delay = pick([0, 0, 30])
        let (ids, fences) = ([lease.id], [Int32(lease.claims)])
        let hasKey = model.job(lease.id)?.key != nil
        let stale: [JobID]
        switch outcome == "completed" ? int(0..<3) : 0 {
        case 1 where !hasKey:
            stale = try await bench.value("SELECT complete_jobs(\(lease.worker), \(ids), \(fences))")
        case 2:
            do {
                try await bench.sql(
                    "SELECT complete_job(\(lease.worker), \(lease.id), \(fences[0]), \(hasKey), NULL, true)")
                stale = []
            } catch let error as PostgresError where error.sqlState == "OPJ01" {
                stale = ids
            }
        default:
            stale = try await bench.value(
                """
                SELECT stale FROM settle_jobs(\(lease.worker), \(ids), \(fences), ARRAY[\(outcome)], ARRAY[''], ARRAY[''],
                    ARRAY[\(Double(delay))], true)
                """)
        }
        let isGood = model.settle(lease.id, lease.worker, lease.claims, outcome, delay: delay)
        try differ(isGood ? [] : ids, stale, "stale ends")
        return "settle \(lease) as \(outcome), delay \(delay)"
    }

    mutating func killWorker() async throws -> String {
        let worker = pick(everyWorker)
        try await bench.sql("DELETE FROM workers WHERE id = \(worker)")
        model.workers.remove(worker)
        if model.workers.isEmpty { _ = try await registerWorker() }
        return "kill worker \(worker)"
    }

    mutating func rescue() async throws -> String {
        let rescuer = pick(everyWorker)
        let rescued: Int = try await bench.value("SELECT rescued FROM rescue_jobs(1000)")
        let expected = model.rescue()
        try differ(expected.count, rescued, "rescued")
        // When the second rescue lets it run is drawn by lot.
        for id in expected {
            let later: Double = try await bench.value(
                "SELECT extract(epoch FROM run_at - \(Self.start)::timestamptz)::float8 FROM jobs WHERE id = \(id)")
            try differ(true, (Double(model.now)...Double(model.now + 5)).contains(later), "the wait of a rescued job")
            model.change(id) { $0.runAt = Int(later.rounded(.up)) }
        }
        let adopted = try await bench.sql("SELECT id, ending FROM adopt_jobs(\(rescuer), ARRAY['work'], 1000)").map {
            try $0.decode(JobID.self, String.self)
        }
        try differ(
            model.adopt(by: rescuer), Dictionary(adopted, uniquingKeysWith: { first, _ in first }),
            "adopted by worker \(rescuer)")
        for (id, ending) in adopted { remember(id, ending: ending) }
        return "rescue \(expected), adopt \(adopted) by worker \(rescuer)"
    }

    mutating func remember(_ id: JobID, ending: String? = nil) {
        guard let job = model.job(id), let worker = job.worker, let claims = job.claims else { return }
        leases.append((id, worker, claims, ending))
    }
}
