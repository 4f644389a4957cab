import Calls
import HTTP
import Jobs
import Platform
import Providers

/// Answers `voice` and `turn`: a stored answer at once, else the job's when it comes within the hold, else a filler.
/// Whatever goes wrong, the caller gets instructions that a telephone can follow.
struct TurnWebhook: Sendable {
    /// A caller is asked to wait so often at most, then the call ends politely.
    static let maximumWaits = 6
    /// How long a turn may take to get on the disk before the caller is asked to wait for its answer.
    private static let keepLimit = Duration.milliseconds(500)

    let intake: TurnIntake
    let queue: JobQueue
    let settings: CallSettings
    let metrics: TurnMetrics
    let logger: Logger

    private var twiML: TurnTwiML { TurnTwiML(urls: TurnURLs(publicURL: settings.publicURL)) }

    func answer(_ request: TurnRequest) async -> TwiML {
        let stopwatch = Stopwatch()
        let (twiML, answer) = await decide(request)
        metrics.record(answer, stopwatch.elapsed)
        return twiML
    }

    /// What was put through is over: nothing of it is ours to keep, the call's end is told as its status.
    func answer(_ request: TransferRequest) -> TwiML {
        twiML.transferred(
            isTalkedWith: request.isTalkedWith,
            request.language ?? TwilioLanguage(language: settings.defaultLanguage, timezone: settings.businessTimezone))
    }

    /// The caller comes back with the same turn, or has done so too often.
    func broughtBack(_ request: TurnRequest) -> TwiML {
        request.wait < Self.maximumWaits ? twiML.broughtBack(request) : twiML.apology(language(request))
    }

    private func decide(_ request: TurnRequest) async -> (TwiML, TurnMetrics.Answer) {
        var request = request
        var hold = Hold(settings.turnHold)
        do {
            let callID = try await callID(of: request, &hold)
            request.callID = callID
            let work = request.work(callID: callID)
            while true {
                // Once the caller was told to wait, the turn is kept: coming back for it must not make another.
                let isKept = request.job != nil
                let taken = try await hold.retrying { [intake] in
                    isKept ? try await intake.lookUp(work) : try await intake.take(work)
                }
                let (job, listener): (JobID, TurnIntake.Listener)
                switch taken {
                case .enqueued(let new, let hearer): (job, listener) = (new, hearer)
                case .unanswered(let hearer): (job, listener) = (request.job ?? 0, hearer)
                case .answered, .refused: return reply(taken, work, request)
                }
                if let reply = try await reply(of: job, work, request, listener, &hold) { return reply }
                log("a crash of the database has undone the turn: it is taken again", request)
            }
        } catch is HoldOver {
            log("the database did not answer in time: the turn is brought back", request)
            return (broughtBack(request), .broughtBack)
        } catch is CancellationError {
            // The caller hung up, or voicemail was detected: nobody reads the answer.
            return (twiML.apology(language(request)), .apology)
        } catch {
            log("the turn could not be taken in: \(error)", request)
            return (twiML.apology(language(request)), .apology)
        }
    }

    private func callID(of request: TurnRequest, _ hold: inout Hold) async throws -> Int64 {
        if let callID = request.callID { return callID }
        return try await hold.retrying { [intake] in
            try await intake.callForInbound(providerCallID: request.providerCallID, from: request.from, to: request.to)
        }
    }

    /// Nil when there is no such job any more.
    private func reply(
        of job: JobID, _ work: ProcessConversation, _ request: TurnRequest, _ listener: TurnIntake.Listener,
        _ hold: inout Hold
    ) async throws -> (TwiML, TurnMetrics.Answer)? {
        guard let result = try await queue.result(of: job, within: hold.remaining) else {
            return try await filler(job, work, request, listener)
        }
        let isLost = result.state == .lost || result.uniqueKey != work.options.uniqueKey
        if isLost, request.job == nil { return nil }
        if !isLost, result.state == .completed, let answer = try? result.result?.decode(SpokenAnswer.self) {
            return (twiML.answer(answer, callID: work.callID, listener), .answered)
        }
        if !isLost, result.state == .cancelled { return (twiML.hangUp, .refused) }
        // The turn may have its answer all the same: the job's failure can have left one.
        if case .answered(let answer, let listener) = try await hold.retrying({ [intake] in
            try await intake.lookUp(work)
        }) {
            return (twiML.answer(answer, callID: work.callID, listener), .answered)
        }
        log("the turn's job has \(result.state.rawValue)", request)
        return (twiML.apology(language(listener)), .apology)
    }

    private func filler(
        _ job: JobID, _ work: ProcessConversation, _ request: TurnRequest, _ listener: TurnIntake.Listener
    ) async throws -> (TwiML, TurnMetrics.Answer) {
        guard request.wait < Self.maximumWaits else {
            log("the turn was waited for too long", request)
            return (twiML.apology(language(listener)), .apology)
        }
        var job = job
        if request.job == nil {
            // What the caller is told to wait for must be on the disk.
            var hold = Hold(Self.keepLimit)
            let kept = try await hold.retrying { [intake] in try await intake.keep(work) }
            guard case .enqueued(let keptJob, _) = kept else { return reply(kept, work, request) }
            job = keptJob
        }
        let twiML = twiML.filler(
            callID: work.callID, turn: work.turn, wait: request.wait + 1, job: job, listener)
        return (twiML, .filler)
    }

    /// What needs no job.
    private func reply(
        _ taken: TurnIntake.Taken, _ work: ProcessConversation, _ request: TurnRequest
    ) -> (TwiML, TurnMetrics.Answer) {
        switch taken {
        case .answered(let answer, let listener):
            (twiML.answer(answer, callID: work.callID, listener), .repeated)
        case .refused(let refusal, let listener): (refused(request, refusal, listener), .refused)
        case .enqueued(_, let listener), .unanswered(let listener): (twiML.apology(language(listener)), .apology)
        }
    }

    /// What ends without a word has nobody listening: a call that is over, or a leg beside the call.
    private func refused(
        _ request: TurnRequest, _ refusal: TurnIntake.Refusal, _ listener: TurnIntake.Listener?
    ) -> TwiML {
        log("no turn of a call under way: \(refusal.rawValue)", request)
        switch refusal {
        case .callEnded, .otherCall: return twiML.hangUp
        case .unknownCall, .outOfTurn: return twiML.apology(listener.map(language) ?? language(request))
        }
    }

    private func language(_ listener: TurnIntake.Listener) -> TwilioLanguage {
        TwilioLanguage(language: listener.language, timezone: listener.timezone)
    }

    private func language(_ request: TurnRequest) -> TwilioLanguage {
        request.language ?? TwilioLanguage(language: settings.defaultLanguage, timezone: settings.businessTimezone)
    }

    private func log(_ message: String, _ request: TurnRequest) {
        logger.warning(
            "\(message)",
            metadata: [
                "call": request.callID.map { String($0) } ?? "inbound", "turn": String(request.turn),
                "sid": request.providerCallID, "wait": String(request.wait),
            ])
    }
}
