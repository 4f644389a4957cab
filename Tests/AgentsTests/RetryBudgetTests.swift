import Testing

@testable import Agents

@Suite("Retries of a model request")
struct RetryBudgetTests {
    private let start = ContinuousClock.now

    private func budget(_ timeout: Duration = .seconds(60)) -> RetryBudget {
        RetryBudget(deadline: start + timeout, configuration: ModelRetryConfiguration())
    }

    @Test("The wait doubles, between half and all of the backoff, and the attempts are counted")
    func backsOff() {
        var full = budget()
        var half = budget()
        let error = ModelError(.unavailable, "")
        let waits = (0..<4).map { _ in full.wait(after: error, now: start, random: 1) }
        #expect(waits == [.milliseconds(250), .milliseconds(500), .seconds(1), nil])
        #expect(half.wait(after: error, now: start, random: 0) == .milliseconds(125))
    }

    @Test("The server's Retry-After is waited for, if the time allows")
    func honoursRetryAfter() {
        let error = ModelError(.rateLimited, "", retryAfter: .seconds(20))
        var patient = budget()
        #expect(patient.wait(after: error, now: start, random: 0) == .seconds(20))
        var hasty = budget(.seconds(20))
        #expect(hasty.wait(after: error, now: start, random: 0) == nil)
    }

    @Test(
        "An error that stays is not retried",
        arguments: ModelError.Code.allCases.filter {
            ![.rateLimited, .unavailable, .timeout, .truncated].contains($0)
        })
    func reportsAtOnce(_ code: ModelError.Code) {
        var budget = budget()
        #expect(budget.wait(after: ModelError(code, ""), now: start, random: 0) == nil)
    }

    @Test("Nothing is retried when no time would be left for an answer")
    func keepsTime() {
        var budget = budget(.seconds(5))
        #expect(budget.wait(after: ModelError(.timeout, ""), now: start + .milliseconds(4_400), random: 0) == nil)
    }
}
