import Jobs
import Platform
import Postgres

/// Dials a call at most once, whatever dies in between: the intent is committed before the provider is asked, and an
/// attempt that finds an intent without an answer asks the provider what became of it (`DialRecovery`).
struct InitiateCallHandler: Sendable {
    private let services: CallServices
    private let calls: CallRecords
    private let dialled: Counter

    init(_ services: CallServices) {
        self.services = services
        calls = CallRecords(services)
        dialled = services.metrics.counter("operadora_calls_dialled_total", help: "Calls that the provider accepted.")
    }

    func handle(_ job: InitiateCall, context: JobContext) async throws -> JobOutcome {
        guard let dial = try await calls.dial(of: job.callID) else {
            try await services.queue.releaseSlots(of: "call:\(job.callID)")
            return .cancelled(reason: "there is no outbound call \(job.callID)")
        }
        switch (dial.status, dial.providerCallID) {
        case (.queued, _): return try await begin(dial, context)
        case (.dialing, nil): return try await recover(dial)
        default:
            // Claimed when it was over: nobody else would release what the claim took.
            if dial.status.isFinal { try await services.queue.releaseSlots(of: "call:\(dial.callID)") }
            return .completed(["status": .string(dial.status.rawValue)])
        }
    }

    /// The job has failed for good, or lost its third worker. An intent that is open is reconcile_calls' to settle.
    func failed(_ job: InitiateCall, _ error: String, _ connection: PostgresConnection) async throws {
        let rows = try await connection.query("SELECT status FROM calls WHERE id = \(job.callID)")
        guard let row = rows.first, try row.decode(String.self) == CallStatus.queued.rawValue else { return }
        try await calls.end(job.callID, error: "it could not be dialled: \(error)", in: connection)
    }
}

extension InitiateCallHandler {
    private func begin(_ dial: Dial, _ context: JobContext) async throws -> JobOutcome {
        let begun = ContinuousClock.now
        switch try await calls.beginDial(dial.callID) {
        case .dial:
            guard let intended = try await calls.dial(of: dial.callID), intended.status == .dialing else {
                return .snoozed(.seconds(1))
            }
            // This process may have been stopped meanwhile, and its intent settled by another as never dialled.
            guard ContinuousClock.now - begun < services.settings.reconcileAfter / 4 else {
                return .snoozed(.seconds(1))
            }
            return try await ask(intended)
        case .wait(let wait, let reason):
            context.logger.debug("waits", metadata: ["call": "\(dial.callID)", "reason": reason])
            return .snoozed(wait)
        case .doNotCall: return .completed(["status": "do_not_call"])
        case .notQueued: return .completed()
        }
    }

    /// Asks the provider, once for each intent.
    private func ask(_ dial: Dial) async throws -> JobOutcome {
        do {
            let providerCallID = try await dialInTime(request(dial))
            dialled.increment()
            return try await adopt(providerCallID, dial)
        } catch DialError.refused(let code, let message) {
            let reason = "the provider refused the number\(code.map { " (code \($0))" } ?? ""): \(message)"
            try await calls.end(dial.callID, providerStatus: .failed, error: reason)
            return .completed(["status": "refused"])
        } catch DialError.retryLater(let after, let message) {
            services.logger.warning(
                "the provider does not dial now", metadata: ["call": "\(dial.callID)", "reason": message])
            try await calls.withdraw(dial, wasRefused: true, error: message)
            return .snoozed(Self.backoff(after: after, refusals: dial.refusals))
        } catch DialError.unknown(let message) {
            services.logger.warning(
                "the answer to a dial was lost", metadata: ["call": "\(dial.callID)", "reason": message])
            return .snoozed(.seconds(2))
        }
    }

    /// A request is over, one way or the other, well before anybody may conclude that it never arrived.
    private func dialInTime(_ request: DialRequest) async throws -> String {
        let limit = services.settings.reconcileAfter / 2
        return try await withThrowingTaskGroup(of: String.self) { group in
            group.addTask { try await services.telephony.dial(request) }
            group.addTask {
                try await Task.sleep(for: limit)
                throw DialError.unknown(message: "no answer within \(limit)")
            }
            defer { group.cancelAll() }
            for try await providerCallID in group { return providerCallID }
            throw CancellationError()
        }
    }

    /// As long as the provider asks for, at most an hour; else doubled with every refusal up to five minutes.
    private static func backoff(after asked: Duration?, refusals: Int) -> Duration {
        let wait = asked.map { min($0, .seconds(3_600)) } ?? min(.seconds(1 << min(refusals, 9)), .seconds(300))
        return max(wait, .seconds(1)) * Double.random(in: 1..<1.25)
    }

    private func request(_ dial: Dial) -> DialRequest {
        let urls = CallbackURLs(publicURL: services.settings.publicURL, callID: dial.callID)
        return DialRequest(
            callID: dial.callID, to: dial.to, from: dial.from, answerURL: urls.answer, statusURL: urls.status,
            ringTimeout: services.settings.ringTimeout)
    }

    private func adopt(_ providerCallID: String, _ dial: Dial) async throws -> JobOutcome {
        let adoption = try await calls.adopt(dial.callID, providerCallID: providerCallID)
        if !adoption.isOurs || adoption.isGivenUp {
            services.logger.error(
                "a call that nobody waits for is hung up",
                metadata: ["call": "\(dial.callID)", "provider_call_id": providerCallID])
            try await services.telephony.hangUp(providerCallID)
        }
        return .completed(["provider_call_id": .string(providerCallID)])
    }

    private func recover(_ dial: Dial) async throws -> JobOutcome {
        let settings = services.settings
        let recovery = DialRecovery.decide(
            candidates: await candidates(dial), sinceIntent: dial.sinceIntent, intents: dial.intents,
            maximumIntents: settings.maximumDialIntents, settleAfter: settings.reconcileAfter,
            giveUpAfter: settings.maximumCallDuration)
        switch recovery {
        case .adopt(let call):
            let outcome = try await adopt(call.id, dial)
            _ = try await calls.record(call, for: dial.callID)
            return outcome
        case .lookAgain(let wait): return .snoozed(wait)
        case .withdraw:
            try await calls.withdraw(dial, wasRefused: false, error: "a dial never reached the provider")
            // It has no slot any more.
            return .snoozed(.zero)
        case .fail:
            try await calls.end(dial.callID, error: "it never reached the provider, \(dial.intents) times")
            return .completed(["status": "ended"])
        case .uncertain(let reason):
            try await calls.end(dial.callID, .uncertain, error: reason)
            return .completed(["status": "uncertain"])
        }
    }

    /// The provider's calls that may be this one; nil when it cannot say.
    private func candidates(_ dial: Dial) async -> [ProviderCall]? {
        // The configuration was changed meanwhile: this provider was never asked to dial it.
        guard dial.isOurProviders else { return nil }
        do {
            // By the provider's clock, which may be read a while after the database's.
            let found = try await services.telephony.find(
                to: dial.to, from: dial.from, within: dial.sinceIntent + .seconds(60))
            let known = try await calls.known(among: found.map(\.id))
            return found.filter { !known.contains($0.id) }
        } catch {
            services.logger.warning(
                "the provider could not be asked about a dial",
                metadata: ["call": "\(dial.callID)", "reason": "\(error)"])
            return nil
        }
    }
}
