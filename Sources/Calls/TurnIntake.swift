public import Jobs
import Platform
public import Postgres

/// Takes in what a telephone provider says of calls: finds the stored answer or enqueues the work, in one round trip and one
/// commit. Thrown errors are PostgreSQL's; whatever is returned is committed, and on the disk but for what `take` of a turn
/// enqueues.
///
/// Every method may be repeated: after an error whose outcome is unknown it finds what the first attempt did.
public struct TurnIntake: Sendable {
    let postgres: PostgresClient
    let queue: JobQueue
    let settings: CallSettings
    private let statuses: StatusIntake

    public init(postgres: PostgresClient, queue: JobQueue, settings: CallSettings) {
        self.postgres = postgres
        self.queue = queue
        self.settings = settings
        statuses = StatusIntake(postgres: postgres, queue: queue, settings: settings)
    }

    /// How the caller of a call is spoken to.
    public struct Listener: Sendable, Hashable {
        /// en, es or pt.
        public var language: String
        /// IANA name.
        public var timezone: String

        public init(language: String, timezone: String) {
            self.language = language
            self.timezone = timezone
        }
    }

    /// What becomes of a turn.
    public enum Taken: Sendable, Hashable {
        /// It was answered before.
        case answered(SpokenAnswer, Listener)
        /// A job thinks about it: a new one, or the one that an earlier request for this turn made.
        case enqueued(JobID, Listener)
        /// It has no answer, and no job was asked for.
        case unanswered(Listener)
        /// It cannot be a turn of this call. Without a listener the call is unknown.
        case refused(Refusal, Listener?)
    }

    public enum Refusal: String, Sendable, Hashable, CaseIterable {
        case unknownCall = "unknown_call"
        /// The call is known by another provider id: this is a stray leg.
        case otherCall = "other_call"
        case callEnded = "call_ended"
        /// Neither answered nor the next one: a URL that was never given out.
        case outOfTurn = "out_of_turn"
    }

    /// Looks up the answer of a turn and, when there is none, enqueues the turn.
    ///
    /// The job does not wait for the disk: its result is on the disk when it is there, and the job with it. Whoever promises
    /// something before that calls `keep` first. A crash of the server may undo the job until then; its result is then
    /// `.lost`, or of another `uniqueKey`: take the turn again.
    public func take(_ turn: ProcessConversation) async throws -> Taken { try await take(turn, .enqueue) }

    /// The same, and the job is on the disk.
    public func keep(_ turn: ProcessConversation) async throws -> Taken { try await take(turn, .keep) }

    /// Looks up the answer of a turn whose job was enqueued before.
    public func lookUp(_ turn: ProcessConversation) async throws -> Taken { try await take(turn, .lookUp) }

    private enum Purpose { case lookUp, enqueue, keep }

    private func take(_ turn: ProcessConversation, _ purpose: Purpose) async throws -> Taken {
        let options = turn.options
        let arguments = try JSON(encoding: turn)
        // Something to write makes the commit wait for the disk, and with it for an answer whose own commit did not.
        let rows = try await postgres.query(
            """
            SELECT language, timezone, refusal, say, next_turn, ends_call, CASE WHEN ends_call THEN
                    (SELECT transfer_to FROM turns WHERE call_id = \(turn.callID) AND in_reply_to = \(Int32(clamping: turn.turn)))
                END, job_id,
                announce_job(is_due, \(options.queue), true),
                CASE WHEN job_id IS NOT NULL AND \(purpose == .enqueue) THEN set_config('synchronous_commit', 'off', true)
                    WHEN job_id IS NOT NULL OR say IS NOT NULL THEN pg_logical_emit_message(true, 'operadora', '')::text
                END
            FROM take_turn(\(turn.callID), \(Int32(clamping: turn.turn)), \(turn.providerCallID), \(purpose != .lookUp),
                \(ProcessConversation.kind), \(arguments), \(options.queue), \(Int32(options.priority)),
                \(Int32(options.maximumAttempts)), \(options.key), \(options.uniqueKey),
                \(settings.defaultLanguage), \(settings.businessTimezone))
            """)
        guard let row = rows.first else { return .refused(.unknownCall, nil) }
        let (language, timezone, refusal, say, nextTurn, endsCall, transferTo, job) = try row.decode(
            String?.self, String?.self, String?.self, String?.self, Int?.self, Bool?.self, String?.self, JobID?.self)
        guard let language, let timezone else { return .refused(.unknownCall, nil) }
        let listener = Listener(language: language, timezone: timezone)
        if let refusal { return .refused(Refusal(rawValue: refusal) ?? .outOfTurn, listener) }
        if let say, let nextTurn, let endsCall {
            let answer = SpokenAnswer(
                say: say, language: language, nextTurn: nextTurn, endsCall: endsCall, transferTo: transferTo)
            return .answered(answer, listener)
        }
        guard let job else { return .unanswered(listener) }
        return .enqueued(job, listener)
    }

    /// Commits an event of a call as a job, in the order of the call's turns, together with others that come at the same time.
    /// Returns nil when there is no such call.
    ///
    /// The event finds its call by our id, which the callback URL carries, else by the provider's. `sequence` is the
    /// provider's number of the event; while an event waits or runs, its repeats are the same job.
    public func take(_ event: RecordCallStatus, sequence: Int? = nil) async throws -> JobID? {
        try await statuses.take(event, sequence: sequence)
    }

    /// The id of the call that somebody makes to one of our numbers; asked again for the same provider id, the same call.
    ///
    /// - Parameters:
    ///   - from: the caller's E.164 number, or what the provider writes when it is withheld.
    ///   - to: our number.
    public func callForInbound(providerCallID: String, from: String, to: String) async throws -> Int64 {
        let rows = try await postgres.query(
            """
            SELECT take_inbound_call(\(settings.provider), \(providerCallID), \(from), \(to),
                \(settings.defaultLanguage), \(settings.businessTimezone))
            """)
        guard let row = rows.first else { throw PostgresError(.decoding, "take_inbound_call returned nothing") }
        return try row.decode(Int64.self)
    }
}
