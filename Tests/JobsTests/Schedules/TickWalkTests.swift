import FoundationEssentials
import Platform
import Postgres
import Testing

/// Compares `next_tick` with the definition of its ticks, carried out minute by minute over the system's own zone files.
@Suite("The ticks of cron expressions, walked", .timeLimit(.minutes(2)))
struct TickWalkTests {
    /// Around each change: by an hour, at midnight, by half an hour, by two hours, by a whole day; and a month's and leap year's end.
    private static let windows = [
        ("America/New_York", "2026-03-08"), ("America/New_York", "2026-11-01"), ("Europe/Madrid", "2026-03-29"),
        ("Europe/Madrid", "2026-10-25"), ("America/Santiago", "2026-04-05"), ("America/Santiago", "2026-09-06"),
        ("Australia/Lord_Howe", "2026-04-05"), ("Australia/Lord_Howe", "2026-10-04"),
        ("Antarctica/Troll", "2026-03-29"),
        ("Antarctica/Troll", "2026-10-25"), ("Pacific/Apia", "2011-12-30"), ("UTC", "2028-02-29"),
    ]

    @Test("Random expressions tick when a walk over every minute says so", arguments: [1, 2, 3] as [UInt64])
    func random(seed: UInt64) async throws {
        try await JobBench.with { bench in
            var random = SeededGenerator(seed: seed)
            for (name, day) in Self.windows {
                let zone = try #require(Zone(identifier: name))
                let middle = try Date("\(day)T00:00:00Z", strategy: .iso8601)
                for _ in 0..<4 {
                    let expression = WalkedExpression(&random)
                    let expected = expression.ticks(in: zone, middle - 1.5 * 86_400, middle + 2 * 86_400)
                    let found: [Date] = try await bench.column(
                        """
                        WITH RECURSIVE ticks (tick) AS (
                            SELECT \(middle - 86_400) UNION ALL
                            SELECT next_tick(\(expression.text), \(name), tick) FROM ticks WHERE tick <= \(middle + 2 * 86_400))
                        SELECT tick FROM ticks WHERE tick > \(middle - 86_400) AND tick <= \(middle + 2 * 86_400)
                        """)
                    let wanted = expected.filter { $0 > middle - 86_400 && $0 <= middle + 2 * 86_400 }
                    #expect(found == wanted, "\(expression.text) in \(name) around \(day), seed \(seed)")
                }
            }
        }
    }
}

/// An expression and what it means, found together.
private struct WalkedExpression {
    private let fields: [(text: String, values: Set<Int>)]
    var text: String { fields.map(\.text).joined(separator: " ") }

    init(_ random: inout SeededGenerator) {
        // Hours around those that are skipped and repeated.
        let hour =
            random.next() % 3 == 0 ? Self.every(0...23) : Self.field(0...(random.next() % 2 == 0 ? 3 : 23), &random)
        let day = random.next() % 2 == 0 ? Self.every(1...31) : Self.field(1...31, &random)
        let weekday = random.next() % 2 == 0 ? Self.every(0...6) : Self.field(0...6, &random)
        fields = [Self.field(0...59, &random), hour, day, Self.every(1...12), weekday]
    }

    private static func every(_ range: ClosedRange<Int>) -> (String, Set<Int>) { ("*", Set(range)) }

    private static func field(_ range: ClosedRange<Int>, _ random: inout SeededGenerator) -> (String, Set<Int>) {
        switch random.next() % 4 {
        case 0 where range.upperBound > 3:
            let (low, high) = (range.lowerBound, range.upperBound)
            // Of the whole field: a range that is narrowed here has no star.
            guard [59, 31, 23, 6].contains(high) else { return ("\(low)-\(high)", Set(range)) }
            let step = Int.random(in: 2...(high / 2), using: &random)
            return ("*/\(step)", Set(stride(from: low, through: high, by: step)))
        case 1:
            let low = Int.random(in: range, using: &random)
            let high = Int.random(in: low...range.upperBound, using: &random)
            return ("\(low)-\(high)", Set(low...high))
        default:
            let values = Set((0..<3).map { _ in Int.random(in: range, using: &random) })
            return (values.sorted().map(String.init).joined(separator: ","), values)
        }
    }

    private func isTick(_ time: CivilTime) -> Bool {
        let isDay = fields[2].values.contains(time.day)
        let isWeekday = fields[4].values.contains((time.weekday + 1) % 7)
        let isEither = !fields[2].text.hasPrefix("*") && !fields[4].text.hasPrefix("*")
        return fields[0].values.contains(time.minute) && fields[1].values.contains(time.hour)
            && fields[3].values.contains(time.month) && (isEither ? isDay || isWeekday : isDay && isWeekday)
    }

    /// With any hour: the instants at which the clock shows a time of the expression. Else: those at which the clock first
    /// reaches or passes one.
    func ticks(in zone: Zone, _ start: Date, _ end: Date) -> [Date] {
        var reached = zone.civilTime(at: start).secondsSince1970
        var ticks: [Date] = []
        var instant = start
        while instant < end {
            instant += 60
            let shown = zone.civilTime(at: instant)
            if fields[1].text.hasPrefix("*") {
                if isTick(shown) { ticks.append(instant) }
                continue
            }
            var isReached = false
            while reached < shown.secondsSince1970 {
                reached += 60
                if isTick(CivilTime(secondsSince1970: reached)) { isReached = true }
            }
            if isReached { ticks.append(instant) }
        }
        return ticks
    }
}
