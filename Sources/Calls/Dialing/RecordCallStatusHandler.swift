import Jobs
import Platform

/// Writes what a status webhook says. The webhook may be the first to bring the provider's id of a call, before the answer
/// to the dial is stored, or the only one to bring it.
struct RecordCallStatusHandler: Sendable {
    private let services: CallServices
    private let calls: CallRecords

    init(_ services: CallServices) {
        self.services = services
        calls = CallRecords(services)
    }

    func handle(_ job: RecordCallStatus, context: JobContext) async throws -> JobOutcome {
        guard let status = ProviderCallStatus(rawValue: job.status) else {
            return .cancelled(reason: "the provider's status “\(job.status.prefix(40))” is not known")
        }
        var call = ProviderCall(id: job.providerCallID, status: status)
        call.answeredBy = job.answeredBy
        call.durationSeconds = job.durationSeconds
        guard let recorded = try await calls.record(call, for: job.callID) else {
            context.logger.warning(
                "a status of a call that is not ours",
                metadata: ["call": job.callID.map { "\($0)" } ?? "-", "provider_call_id": job.providerCallID])
            return .cancelled(reason: "there is no such call")
        }
        // The agent leaves a machine by itself when it is asked for its first words; it may not have been.
        if recorded.isAnsweredByMachine, !recorded.status.isFinal, !recorded.agentEnded {
            try await services.telephony.hangUp(job.providerCallID)
        }
        return .completed(["status": .string(recorded.status.rawValue)])
    }
}
