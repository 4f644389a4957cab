import Jobs
import Platform
import Postgres

/// All calls of a campaign have their outcome, and nobody is left to call. Its batch are the campaign's `finalize_call` jobs
/// since it was started.
struct CampaignFinished: Job, Hashable {
    static let kind = "campaign_finished"
    var campaignID: Int64
    enum CodingKeys: String, CodingKey { case campaignID = "campaign_id" }
}

/// Completes the campaign, unless calls were added meanwhile: these have a batch of their own.
struct CampaignFinishedHandler: Sendable {
    private let services: CallServices

    init(_ services: CallServices) { self.services = services }

    func handle(_ job: CampaignFinished, context: JobContext) async throws -> JobOutcome {
        let outcomes = try await outcomes(of: context.id)
        let isCompleted = try await services.postgres.query(
            "SELECT complete_campaign(\(job.campaignID), \(context.id))")[0].decode(Bool.self)
        context.logger.info(
            isCompleted ? "campaign completed" : "campaign goes on", metadata: ["campaign": "\(job.campaignID)"])
        return .completed(["completed": .bool(isCompleted), "outcomes": .object(outcomes.mapValues(JSON.integer))])
    }

    /// How many calls of the batch ended how, as their `finalize_call` jobs say.
    private func outcomes(of batch: JobID) async throws -> [String: Int64] {
        var outcomes: [String: Int64] = [:]
        var last: JobID = 0
        while true {
            let page = try await services.queue.batchResults(of: batch, after: last)
            for case .string(let outcome)? in page.map({ $0.result?["outcome"] }) { outcomes[outcome, default: 0] += 1 }
            guard let end = page.last else { return outcomes }
            last = end.id
        }
    }
}
