import Jobs
import Platform
import Postgres

/// Asks the provider for the price of an ended call, which it may state only some time after the end.
struct RecordCallPrice: Job, Hashable {
    static let kind = "record_call_price"
    var callID: Int64
    enum CodingKeys: String, CodingKey { case callID = "call_id" }

    var options: JobOptions {
        var options = Self.defaults
        options.priority = 1_000
        options.uniqueKey = "price:\(callID)"
        return options
    }
}

struct RecordCallPriceHandler: Sendable {
    private let services: CallServices
    private static let firstAfter: Duration = .seconds(60)
    /// A provider that has said nothing for so long will not.
    private static let giveUpAfter: Duration = .seconds(86_400)

    init(_ services: CallServices) { self.services = services }

    func handle(_ job: RecordCallPrice, context: JobContext) async throws -> JobOutcome {
        let rows = try await services.postgres.query(
            """
            SELECT provider_call_id, extract(epoch FROM clock_timestamp() - finalized_at)::float8 FROM calls
            WHERE id = \(job.callID) AND provider_call_id IS NOT NULL AND finalized_at IS NOT NULL
                AND telephony_cost IS NULL
            """)
        guard let row = rows.first else { return .completed() }
        let (providerCallID, age) = try row.decode(String.self, Double.self)
        if .seconds(age) < Self.firstAfter { return .snoozed(Self.firstAfter - .seconds(age)) }
        guard let call = await services.telephony.priced(providerCallID, context.logger), let price = call.price else {
            guard .seconds(age) < Self.giveUpAfter else {
                return .cancelled(reason: "the provider stated no price within a day")
            }
            return .snoozed(max(.seconds(300), .seconds(age)))
        }
        try await services.postgres.query(
            "SELECT record_telephony_cost(\(job.callID), \(price)::numeric, \(call.currency))")
        return .completed(["price": .string(price)])
    }
}

extension Telephony {
    /// The ended call with its price, as far as the provider states it. Nil, too, when the provider cannot be asked now: an outage is
    /// no reason to fail.
    func priced(_ id: String, _ logger: Logger) async -> ProviderCall? {
        do {
            return try await state(of: id)
        } catch {
            logger.info(
                "the price of a call is asked later", metadata: ["provider_call_id": "\(id)", "reason": "\(error)"])
            return nil
        }
    }
}
