import Platform

/// Latency of webhooks and of the API, by route and status class.
struct RequestMetrics: Sendable {
    private let timers: [String: Timer]

    init(_ metrics: MetricsRegistry) {
        var timers: [String: Timer] = [:]
        for route in Route.allCases where route.methods == ["POST"] {
            for status in ["2xx", "4xx", "5xx"] {
                let (name, what) =
                    route.isWebhook
                    ? ("operadora_webhook_seconds", "a webhook") : ("operadora_api_seconds", "a request")
                timers[route.name + status] = metrics.timer(
                    name, help: "Time from \(what)'s arrival to its answer, holds included.",
                    [("route", route.name), ("status", status)])
            }
        }
        self.timers = timers
    }

    func record(_ route: Route, status: Int, _ duration: Duration) {
        timers["\(route.name)\(status / 100)xx"]?.record(duration)
    }
}

/// How turns were answered.
struct TurnMetrics: Sendable {
    enum Answer: String, CaseIterable {
        /// By a job, within the hold.
        case answered
        /// By the stored answer of an earlier request.
        case repeated
        /// Held for as long as may be: a filler, and the caller comes back.
        case filler
        /// The database was away: the caller comes back with what was said.
        case broughtBack = "brought_back"
        /// The turn failed, or took too long: an apology and the end.
        case apology
        /// It was no turn of a call under way.
        case refused
    }

    private let timers: [Answer: Timer]

    init(_ metrics: MetricsRegistry) {
        timers = Dictionary(
            uniqueKeysWithValues: Answer.allCases.map { answer in
                (
                    answer,
                    metrics.timer(
                        "operadora_turn_seconds", help: "Time from a turn's webhook to its TwiML.",
                        [("answer", answer.rawValue)])
                )
            })
    }

    func record(_ answer: Answer, _ duration: Duration) { timers[answer]?.record(duration) }
}
