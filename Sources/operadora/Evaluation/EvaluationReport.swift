import Calls
import Platform

/// What came of the calls of an evaluation, caller by caller, for a person or as JSON.
struct EvaluationReport: Sendable {
    /// One caller's calls with one set of instructions.
    struct Verdict: Sendable {
        let calls: [EvaluatedCall]
        var passed: Int { calls.count(where: \.isPassed) }
        var isPassed: Bool { passed == calls.count }
        /// Each once, in the order in which they came up.
        var problems: [String] {
            var seen: Set<String> = []
            return calls.flatMap(\.problems).filter { seen.insert($0).inserted }
        }
    }

    private struct Caller: Sendable {
        let name: String
        let verdict: Verdict
        /// With the other instructions.
        let other: Verdict?

        var change: String {
            guard let other, other.passed != verdict.passed else { return "" }
            return other.passed < verdict.passed ? "better" : "worse"
        }
    }

    private let campaign: String?
    private let instructions: String?
    private let against: String?
    private let callers: [Caller]

    /// - Parameter calls: by the number of the instructions: those to judge, then those to compare with, if any.
    init(
        campaign: String?, instructions: String?, against: String?, callers: [String], calls: [[EvaluatedCall]]
    ) {
        self.campaign = campaign
        self.instructions = instructions
        self.against = against
        func verdict(_ prompt: Int, _ name: String) -> Verdict? {
            calls.indices.contains(prompt) ? Verdict(calls: calls[prompt].filter { $0.name == name }) : nil
        }
        self.callers = callers.map {
            Caller(name: $0, verdict: verdict(0, $0) ?? Verdict(calls: []), other: verdict(1, $0))
        }
    }

    var failedCallers: Int { callers.count { !$0.verdict.isPassed } }

    // MARK: for a person

    func text(width: Int?) -> String { table.text(width: width) + "\n\n" + conclusion }

    private var table: Table {
        let isComparison = against != nil
        var table = Table(
            [.init("caller"), .init("passed")]
                + (isComparison
                    ? [.init("before"), .init("change")]
                    : [.init("meeting"), .init("outcome"), .init("turns", alignsRight: true)])
                + [.init("seconds", alignsRight: true), .init("problem")])
        for caller in callers {
            let calls = caller.verdict.calls
            let middle: [String?] =
                isComparison
                ? [caller.other.map(mark), caller.change]
                : [
                    calls.last?.meetings.joined(separator: " "), calls.last?.outcome,
                    calls.last.map { String($0.turns.count) },
                ]
            let seconds = calls.map(\.took.inSeconds).reduce(0, +) / Double(max(1, calls.count))
            table.add(
                [caller.name, mark(caller.verdict)] + middle
                    + [String((seconds * 10).rounded() / 10), caller.verdict.problems.joined(separator: "; ")])
        }
        return table
    }

    private func mark(_ verdict: Verdict) -> String {
        verdict.calls.count > 1 ? "\(verdict.passed)/\(verdict.calls.count)" : verdict.isPassed ? "yes" : "no"
    }

    private var conclusion: String {
        let passed = "\(callers.count - failedCallers) of \(callers.count) callers passed"
        guard let against else { return passed }
        let before = callers.count { $0.other?.isPassed == true }
        let changes = ["better", "worse"].map { change in "\(callers.count { $0.change == change }) \(change)" }
        return "\(passed); with \(against) \(before) did: \(changes.joined(separator: ", "))"
    }

    // MARK: as JSON

    var json: JSON {
        var report = totals(instructions, callers.map(\.verdict))
        report["campaign"] = campaign.map { .string($0) } ?? .null
        if let against {
            report["against"] = .object(totals(against, callers.compactMap(\.other)))
            for change in ["better", "worse"] {
                report[change] = .integer(Int64(callers.count { $0.change == change }))
            }
        }
        report["callers"] = .array(
            callers.map { caller in
                var members = self.members(caller.verdict)
                members["caller"] = .string(caller.name)
                members["against"] = caller.other.map { .object(self.members($0)) }
                return .object(members)
            })
        return .object(report)
    }

    private func totals(_ instructions: String?, _ verdicts: [Verdict]) -> [String: JSON] {
        let passed = verdicts.count(where: \.isPassed)
        return [
            "instructions": instructions.map { .string($0) } ?? .null, "passed": .integer(Int64(passed)),
            "failed": .integer(Int64(verdicts.count - passed)),
        ]
    }

    private func members(_ verdict: Verdict) -> [String: JSON] {
        [
            "passed": .bool(verdict.isPassed), "passed_runs": .integer(Int64(verdict.passed)),
            "problems": .array(verdict.problems.map { .string($0) }), "calls": .array(verdict.calls.map(call)),
        ]
    }

    private func call(_ call: EvaluatedCall) -> JSON {
        [
            "call_id": .integer(call.callID), "passed": .bool(call.isPassed),
            "problems": .array(call.problems.map { .string($0) }), "outcome": call.outcome.map { .string($0) } ?? .null,
            "meetings": .array(call.meetings.map { .string($0) }), "seconds": .number(call.took.inSeconds),
            "prompt_tokens": .integer(Int64(call.promptTokens)),
            "completion_tokens": .integer(Int64(call.completionTokens)),
            "turns": .array(
                call.turns.map { ["role": $0.isAgents ? "agent" : "caller", "content": .string($0.text)] }),
        ]
    }
}
