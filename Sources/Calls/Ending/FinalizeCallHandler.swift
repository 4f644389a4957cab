import Agents
import FoundationEssentials
import Jobs
import Platform
import Postgres

/// Settles what a final call left open and writes what came of it, once. Until it is written, everything here may be done
/// again; writing it also redials the lead, or completes the campaign, in one transaction (`record_outcome`).
struct FinalizeCallHandler: Sendable {
    private let services: CallServices
    private let settlement: MeetingSettlement
    private let classifier: ConversationClassifier

    init(_ services: CallServices) {
        self.services = services
        settlement = MeetingSettlement(services)
        classifier = ConversationClassifier(services)
    }

    func handle(_ job: FinalizeCall, context: JobContext) async throws -> JobOutcome {
        try await finalize(job.callID, context.logger)
    }

    @discardableResult
    func finalize(_ callID: Int64, _ logger: Logger) async throws -> JobOutcome {
        if let wait = try await settleMeetings(of: callID, logger) { return .snoozed(wait) }
        guard let call = try await FinalCall.load(callID, services) else {
            return .completed(["written": "before"])
        }
        let (classification, usage) = try await classify(call)
        let outcome = call.facts.outcome(classifiedAs: classification.outcome)
        var provider: ProviderCall?
        if let id = call.providerCallID { provider = await services.telephony.priced(id, logger) }
        let isWritten = try await write(call, outcome, classification, modelCost(of: call, usage), provider)
        if isWritten {
            services.metrics.counter(
                "operadora_calls_finalized_total", help: "Calls by outcome.", [("outcome", outcome.rawValue)]
            ).increment()
        }
        return .completed(["outcome": .string(outcome.rawValue)])
    }

    /// A calendar that stays away for longer keeps no call from its end: reconciliation goes on asking.
    private static let longestWaitForCalendar = Duration.seconds(3_600)

    /// How long to wait for the calendar; nil when every meeting is settled, or too old to wait for.
    private func settleMeetings(of callID: Int64, _ logger: Logger) async throws -> Duration? {
        do {
            var longest: Duration?
            for open in try await MeetingRecords(services).open(in: callID)
            where open.age < Self.longestWaitForCalendar {
                let wait = try await settlement.settle(open)
                longest = [longest, wait].compactMap { $0 }.max()
            }
            return longest
        } catch let error as PostgresError {
            throw error
        } catch let error as CancellationError {
            throw error
        } catch {
            // An outage of the calendar does not use up the attempts of a job that must be done.
            logger.warning(
                "the calendar could not be asked about a meeting",
                metadata: ["call": "\(callID)", "reason": "\(error)"])
            return .seconds(15)
        }
    }

    private func classify(_ call: FinalCall) async throws -> (Classification, ModelUsage) {
        if let outcome = call.facts.settledOutcome, !call.facts.callerSpoke {
            return (Classification(outcome: outcome, summary: CallSummary.text(outcome, call.language)), ModelUsage())
        }
        var (classification, usage) = try await classifier.classify(call)
        if let outcome = call.facts.settledOutcome { classification.outcome = outcome }
        return (classification, usage)
    }

    private func modelCost(of call: FinalCall, _ usage: ModelUsage) -> Double {
        let ofTurns = ModelUsage(promptTokens: call.promptTokens, completionTokens: call.completionTokens)
        return ModelPrice(
            prompt: services.settings.promptTokenPrice, completion: services.settings.completionTokenPrice
        ).cost(of: ofTurns + usage)
    }

    private func write(
        _ call: FinalCall, _ outcome: CallOutcome, _ classification: Classification, _ modelCost: Double,
        _ provider: ProviderCall?
    ) async throws -> Bool {
        let extracted = classification.extracted.isEmpty ? nil : JSON.object(classification.extracted)
        let price = RecordCallPrice(callID: call.id)
        return try await services.postgres.withTransaction { connection in
            let rows = try await connection.query(
                """
                SELECT record_outcome(\(call.id), \(outcome.rawValue), \(classification.summary), \(extracted),
                    \(modelCost)::numeric, \(services.settings.currency), \(provider?.price)::numeric,
                    \(provider?.currency), \(provider?.durationSeconds)::integer)
                """)
            let isWritten = try rows[0].decode(Bool.self)
            if isWritten, call.providerCallID != nil, provider?.price == nil {
                try await services.queue.enqueue(price, price.options, in: connection)
            }
            return isWritten
        }
    }
}
