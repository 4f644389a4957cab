import Platform

/// What a worker counts. Made once, so that a job costs no look-up by name.
struct WorkerMetrics: Sendable {
    struct Kind: Sendable {
        let pickUp: Timer
        let run: Timer
        let outcomes: [Settlement.Outcome: Counter]
    }

    let kinds: [String: Kind]
    let rescued: Counter
    let buried: Counter
    let stuck: Gauge
    let claimFailures: Counter

    init(_ registry: MetricsRegistry, kinds: some Sequence<String>) {
        self.kinds = Dictionary(uniqueKeysWithValues: kinds.map { ($0, Kind(registry, $0)) })
        rescued = registry.counter("operadora_jobs_rescued_total", help: "Jobs taken back from workers that died.")
        buried = registry.counter("operadora_workers_buried_total", help: "Workers declared dead by this one.")
        stuck = registry.gauge(
            "operadora_jobs_stuck", help: "Handlers that ignored their cancellation and still run, without a slot.")
        claimFailures = registry.counter("operadora_job_claim_failures_total", help: "Claims that got no answer.")
    }
}

extension WorkerMetrics.Kind {
    init(_ registry: MetricsRegistry, _ kind: String) {
        pickUp = registry.timer(
            "operadora_job_pickup_seconds", help: "From when a job was due to its claim.", [("kind", kind)])
        run = registry.timer("operadora_job_run_seconds", help: "How long handlers ran.", [("kind", kind)])
        outcomes = Dictionary(
            uniqueKeysWithValues: [.completed, .failed, .cancelled, .expired, .retry, .snooze, .release].map {
                (outcome: Settlement.Outcome) in
                let labels = [("kind", kind), ("outcome", outcome.rawValue)]
                return (outcome, registry.counter("operadora_job_runs_total", help: "Runs by how they ended.", labels))
            })
    }
}
