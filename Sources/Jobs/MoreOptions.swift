import Platform

/// The options that few jobs have: the argument `more` of `insert_job`, and of it what a claim brings (`jobs.options`).
struct MoreOptions: Codable, Sendable {
    /// Seconds.
    var uniqueFor: Double?
    var retry: Backoff?
    var dependsOn: [JobID]?
    var onFailure: String?
    var batch: JobID?
    var limits: [String]?
    var holder: String?
    var traceparent: String?

    private enum CodingKeys: String, CodingKey {
        case uniqueFor = "unique_for"
        case retry
        case dependsOn = "depends_on"
        case onFailure = "on_failure"
        case batch, limits, holder, traceparent
    }

    var trace: TraceContext? { traceparent.flatMap(TraceContext.init) }
}

extension JobOptions {
    /// Nil when there is none of them, which is the rule.
    var more: JSON? {
        get throws {
            let trace = trace ?? TraceContext.current
            guard
                uniqueFor != nil || retry != nil || !dependsOn.isEmpty || batch != nil || !limits.isEmpty
                    || slotHolder != nil
                    || trace != nil
            else { return nil }
            return try JSON(
                encoding: MoreOptions(
                    uniqueFor: uniqueFor.map { $0 / .seconds(1) }, retry: retry,
                    dependsOn: dependsOn.isEmpty ? nil : dependsOn, onFailure: runsAfterFailure ? "run" : nil,
                    batch: batch, limits: limits.isEmpty ? nil : limits, holder: slotHolder,
                    traceparent: trace?.traceparent))
        }
    }
}
