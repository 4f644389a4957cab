import Platform
import Postgres

/// Follows a demo's campaign until every call has its outcome.
struct DemoProgress: Sendable {
    let client: PostgresClient

    private struct Standing: Equatable {
        var calls = 0
        var done = 0
        var underWay = 0
        var meetings = 0
        var turns = 0
    }

    /// Returns when all calls are final, or nothing has moved for so long.
    func follow(stallLimit: Duration) async throws {
        let clock = Stopwatch()
        var last = Standing()
        var lastChange = Duration.zero
        var lastLine = Duration.zero
        while true {
            let standing = try await read()
            if standing != last { lastChange = clock.elapsed }
            last = standing
            show(standing, clock.elapsed, &lastLine)
            if standing.calls > 0 && standing.done == standing.calls || clock.elapsed - lastChange > stallLimit {
                break
            }
            try await Task.sleep(for: .milliseconds(200))
        }
        Console.rewriteLine("")
    }

    private func read() async throws -> Standing {
        let row = try await client.query(
            """
            SELECT count(*), count(*) FILTER (WHERE outcome IS NOT NULL),
                count(*) FILTER (WHERE status IN ('dialing', 'ringing', 'in_progress')),
                (SELECT count(*) FROM meetings WHERE calendar_event_id IS NOT NULL), (SELECT count(*) FROM turns)
            FROM calls
            """
        ).first
        guard let row else { return Standing() }
        let (calls, done, underWay, meetings, turns) = try row.decode(
            Int.self, Int.self, Int.self, Int.self, Int.self)
        return Standing(calls: calls, done: done, underWay: underWay, meetings: meetings, turns: turns)
    }

    /// One rewritten line on a terminal, else a line every three seconds.
    private func show(_ standing: Standing, _ elapsed: Duration, _ lastLine: inout Duration) {
        let text =
            "\(Int(elapsed.inSeconds)) s: \(standing.done) of \(standing.calls) calls done, "
            + "\(standing.underWay) under way, \(standing.turns) turns, \(standing.meetings) meetings booked"
        if Console.standardErrorIsTerminal {
            Console.rewriteLine(text)
        } else if elapsed - lastLine >= .seconds(3) {
            lastLine = elapsed
            Console.printError(text)
        }
    }
}
