import Postgres

/// No-op jobs drained by one worker process, durably, beside the bare SQL loop on the same server in the same run.
enum DrainRate {
    static let subject = Subject(
        name: "drain",
        summary: "no-op jobs drained by one worker, as a ratio to a bare SQL loop (claim 500, complete 500)",
        run: run)

    private static let jobs = 200_000
    private static let rounds = 9

    private static func run(_ bench: Bench) async throws -> [Figure] {
        let url = try await bench.database("drain")
        let client = bench.client(url, connections: 4)
        let drain = Drain(bench, database: url)
        let bare = BareLoop(client: client)
        try await bare.prepare()
        var ours: [Double] = []
        var updating: [Double] = []
        var deleting: [Double] = []
        var enqueued: [Double] = []
        var ratios: [Double] = []
        for round in 1...rounds {
            Report.note("  round \(round) of \(rounds)")
            updating.append(try await bare.rate(jobs: jobs, deleting: false))
            enqueued.append(try await drain.fill(jobs))
            ours.append(try await drain.run(jobs))
            // Within a round: what slows the machine down for a while slows both.
            ratios.append(ours[round - 1] / updating[round - 1])
            deleting.append(try await bare.rate(jobs: jobs, deleting: true))
        }
        await drain.close()
        await client.close()
        return [
            Figure(name: "bare loop, updating in place", value: updating.median, unit: "jobs/s"),
            Figure(name: "bare loop, deleting", value: deleting.median, unit: "jobs/s"),
            Figure(name: "bulk enqueue", value: enqueued.median, unit: "jobs/s"),
            Figure(name: "drained by one worker", value: ours.median, unit: "jobs/s"),
            Figure(name: "drained ÷ bare loop", value: ratios.median, unit: "", bar: .atLeast(0.75)),
        ]
    }
}
