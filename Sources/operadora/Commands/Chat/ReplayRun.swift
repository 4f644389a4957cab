import Agents
import Calls
import Platform

/// A recorded conversation, held again, and what differs.
struct ReplayRun: Sendable {
    let chat: Chat
    let record: ChatRecord
    let brief: ChatBrief

    /// Throws `ExitCode.failure` when the model failed in a turn: its apology is no answer to compare.
    func run() async throws {
        try await chat.untilStopped {
            let replay = ChatReplay(record, brief, chat.services)
            var turns: [ReplayedTurn] = []
            for index in record.exchanges.indices {
                let turn = try await replay.turn(index)
                turns.append(turn)
                if !chat.isJSON { Console.print(text(of: turn)) }
                if let advice = turn.replayed.stop?.advice(chat.model) { Console.printError("operadora: \(advice)") }
            }
            Console.print(chat.isJSON ? try json(turns).text : summary(of: turns))
            if turns.contains(where: \.replayed.modelFailed) { throw ExitCode.failure }
        }
    }

    // MARK: as text

    private func text(of turn: ReplayedTurn) -> String {
        let said =
            turn.recorded.caller.map { "you> \($0)" } ?? (turn.recorded.turn == 1 ? "(the call begins)" : "(silence)")
        let answers =
            turn.differences.isEmpty
            ? lines(of: turn.recorded).map { "  \($0)" }
            : difference(lines(of: turn.recorded), lines(of: turn.replayed))
        return ([said] + answers).map(\.printableLine).joined(separator: "\n")
    }

    private func lines(of exchange: ChatExchange) -> [String] {
        exchange.tools.map { "\($0.name)(\($0.arguments.text))" }
            + (exchange.agent.isEmpty ? [] : ["agent> \(exchange.agent)"])
            + (exchange.endsCall ? ["(the agent hangs up)"] : [])
    }

    /// What both have is indented, what only the record has is marked "-", what is new "+".
    private func difference(_ old: [String], _ new: [String]) -> [String] {
        let changes = new.difference(from: old)
        let removed = Set(changes.removals.compactMap { if case .remove(let at, _, _) = $0 { at } else { nil } })
        let inserted = Set(changes.insertions.compactMap { if case .insert(let at, _, _) = $0 { at } else { nil } })
        var lines: [String] = []
        var (i, j) = (0, 0)
        while i < old.count || j < new.count {
            if removed.contains(i) {
                lines.append("- \(old[i])")
                i += 1
            } else if inserted.contains(j) {
                lines.append("+ \(new[j])")
                j += 1
            } else {
                lines.append("  \(new[j])")
                i += 1
                j += 1
            }
        }
        return lines
    }

    private func summary(of turns: [ReplayedTurn]) -> String {
        let counts = ReplayedTurn.Difference.allCases.map { difference in
            "\(turns.count { $0.differences.contains(difference) }) in \(difference.rawValue)"
        }
        let differing = turns.count { !$0.differences.isEmpty }
        return "\n\(turns.count) turns: \(turns.count - differing) the same, \(differing) different ("
            + counts.joined(separator: ", ") + ")"
    }

    // MARK: as JSON

    private func json(_ turns: [ReplayedTurn]) throws -> JSON {
        [
            "campaign": brief.campaignName.map { .string($0) } ?? .null, "turns": .array(try turns.map(json)),
            "same": .integer(Int64(turns.count { $0.differences.isEmpty })),
            "different": .integer(Int64(turns.count { !$0.differences.isEmpty })),
            "failed": .integer(Int64(turns.count(where: \.replayed.modelFailed))),
        ]
    }

    private func json(_ turn: ReplayedTurn) throws -> JSON {
        [
            "turn": .integer(Int64(turn.recorded.turn)), "caller": turn.recorded.caller.map { .string($0) } ?? .null,
            "recorded": try JSON(encoding: turn.recorded), "replayed": try JSON(encoding: turn.replayed),
            "differences": .array(turn.differences.map { .string($0.rawValue) }),
            "error": turn.replayed.stop?.advice(chat.model).map { .string($0) } ?? .null,
        ]
    }
}
