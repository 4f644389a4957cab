import Platform
import Testing

@Suite struct MetricsTests {
    @Test("A metric is rendered as Prometheus text with sorted and escaped labels")
    func rendering() {
        let metrics = MetricsRegistry()
        metrics.counter("jobs_total", help: "Jobs that ended.", [("state", "failed"), ("kind", "a\"b\\c\nd")])
            .increment(by: 3)
        metrics.gauge("load", help: "Half.").record(0.5)
        #expect(
            metrics.render() == """
                # HELP jobs_total Jobs that ended.
                # TYPE jobs_total counter
                jobs_total{kind="a\\"b\\\\c\\nd",state="failed"} 3
                # HELP load Half.
                # TYPE load gauge
                load 0.5

                """)
    }

    @Test("The same name and labels, in any order, are the same counter")
    func identity() {
        let metrics = MetricsRegistry()
        let first = metrics.counter("c", help: "", [("a", "1"), ("b", "2")])
        first.increment()
        metrics.counter("c", help: "", [("b", "2"), ("a", "1")]).increment()
        #expect(first.value == 2)
    }

    @Test("A name that is asked for as another kind keeps its kind in the text")
    func kindClash() {
        let metrics = MetricsRegistry()
        metrics.counter("c", help: "").increment()
        metrics.gauge("c", help: "", [("x", "1")]).record(9)
        #expect(metrics.render() == "# HELP c \n# TYPE c counter\nc 1\n")
    }

    @Test("A timer's buckets are cumulative and end with all of them")
    func histogram() {
        let metrics = MetricsRegistry()
        let timer = metrics.timer("t", help: "")
        for duration in [Duration.microseconds(400), .milliseconds(3), .seconds(100)] { timer.record(duration) }
        let lines = metrics.render().split(separator: "\n").map(String.init)
        #expect(lines.contains("t_bucket{le=\"0.0005\"} 1"))
        #expect(lines.contains("t_bucket{le=\"0.005\"} 2"))
        #expect(lines.contains("t_bucket{le=\"60\"} 2"))
        #expect(lines.contains("t_bucket{le=\"+Inf\"} 3"))
        #expect(lines.contains("t_sum 100.0034"))
        #expect(lines.contains("t_count 3"))
    }

    @Test("Increments from many tasks are all counted")
    func concurrency() async {
        let counter = MetricsRegistry().counter("c", help: "")
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 { group.addTask { for _ in 0..<10_000 { counter.increment() } } }
        }
        #expect(counter.value == 80_000)
    }
}
