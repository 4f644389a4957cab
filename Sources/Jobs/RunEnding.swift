import Platform

/// What the end of a run means for its job. Pure.
struct RunEnding: Sendable {
    enum Result: Sendable {
        case returned(JobOutcome)
        case threw(any Error)
    }

    let job: ClaimedJob
    let kind: RegisteredKind
    let result: Result
    /// Why the run was told to stop, if it was.
    let stop: WorkerState.StopReason?
    let transactionalEnd: TransactionalEnd

    /// What this worker has no key for waits so long, give or take a quarter, and has not spent an attempt: it never ran.
    private static var unopenedPause: Duration { .seconds(Double.random(in: 45...75)) }

    /// Nil when there is nothing to say, because the job is not ours any more.
    var settlement: Settlement? {
        guard stop != .leaseLost, !transactionalEnd.isCommitted, var settlement = outcome else { return nil }
        settlement.hasKey = job.hasKey
        settlement.isAwaited = job.isAwaited
        return settlement
    }

    var saysCompletedInTransaction: Bool {
        if case .returned(.completedInTransaction) = result { true } else { false }
    }

    private var outcome: Settlement? {
        switch result {
        case .returned(.completed(let value)): completed(with: value?.text)
        case .returned(.completedInTransaction): completedInTransaction
        case .returned(.snoozed(let delay)): Settlement(job.lease, .snooze, delay: max(.zero, delay))
        case .returned(.cancelled(let reason)): Settlement(job.lease, .cancelled, error: Settlement.line(reason))
        case .returned(.failed(let reason)): Settlement(job.lease, .failed, error: Settlement.line(reason))
        case .threw(let error): thrown(error)
        }
    }

    private func completed(with result: String?) -> Settlement {
        if let result {
            if result.utf8.count > Settlement.maximumResultBytes { return failedAttempt("its result is over 1 MiB") }
            if result.contains(#"\u0000"#) { return failedAttempt("its result holds a NUL, which JSONB cannot") }
        }
        return Settlement(job.lease, .completed, result: result)
    }

    private var completedInTransaction: Settlement {
        guard transactionalEnd.queues != nil else {
            return failedAttempt("it said completedInTransaction without complete(in:)")
        }
        var settlement = failedAttempt("the transaction that completed it did not commit")
        settlement.isFallback = true
        return settlement
    }

    private func thrown(_ error: any Error) -> Settlement {
        var settlement = attemptThatThrew(error)
        // A commit whose answer was lost may have happened.
        settlement.isFallback = transactionalEnd.mayBeCommitted
        return settlement
    }

    private func attemptThatThrew(_ error: any Error) -> Settlement {
        switch stop {
        case .timeLimit: return failedAttempt("it took longer than its time limit of \(kind.timeLimit)")
        case .cancelRequested: return Settlement(job.lease, .cancelled, error: "cancelled while it ran")
        case .workerStops: return Settlement(job.lease, .release)
        case .leaseLost, nil: break
        }
        if let error = error as? OpeningError, error.isOfThisProcess {
            return Settlement(job.lease, .snooze, error: Settlement.line("\(error)"), delay: Self.unopenedPause)
        }
        if error is UndecodableArguments { return Settlement(job.lease, .failed, error: Settlement.line("\(error)")) }
        return failedAttempt(Settlement.line("\(error)"))
    }

    private func failedAttempt(_ reason: String) -> Settlement {
        if job.attempt >= job.maximumAttempts { return Settlement(job.lease, .failed, error: reason) }
        let delay = job.more?.retry?.delay(after: job.attempt) ?? kind.retry.delay(job.attempt)
        return Settlement(job.lease, .retry, error: reason, delay: max(.zero, delay))
    }
}
