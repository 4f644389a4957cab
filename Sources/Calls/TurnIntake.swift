public import Jobs
import Platform
public import Postgres

/// Takes in what a telephone provider says of calls: finds the stored answer or makes the work durable, in one round trip
/// and one commit. Thrown errors are PostgreSQL's; whatever is returned is committed.
public struct TurnIntake: Sendable {
    let postgres: PostgresClient
    let queue: JobQueue
    let settings: CallSettings

    public init(postgres: PostgresClient, queue: JobQueue, settings: CallSettings) {
        self.postgres = postgres
        self.queue = queue
        self.settings = settings
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
        /// It cannot be a turn of this call.
        case refused(Refusal, Listener?)
    }

    public enum Refusal: String, Sendable, Hashable {
        case unknownCall = "unknown_call"
        /// The call is known by another provider id: this is a stray leg.
        case otherCall = "other_call"
        case callEnded = "call_ended"
        /// Neither answered nor the next one: a URL that we never gave out.
        case outOfTurn = "out_of_turn"
    }

    /// Looks up the answer of a turn and, when there is none, enqueues the turn. Repeats find the same answer or the same
    /// job; the answer of a turn is found even when its call has ended since.
    public func take(_ turn: ProcessConversation) async throws -> Taken {
        let options = turn.options
        let rows = try await postgres.query(
            """
            WITH turn AS (
                SELECT calls.id, coalesce(calls.language, \(settings.defaultLanguage)) AS language,
                    coalesce(calls.timezone, \(settings.businessTimezone)) AS timezone,
                    calls.status IN ('ended', 'uncertain') AS is_final,
                    calls.provider_call_id IS NULL OR calls.provider_call_id = \(turn.providerCallID) AS is_same_call,
                    coalesce((SELECT max(number) FROM turns WHERE call_id = calls.id AND role = 'agent'), 0) + 1
                        = \(turn.turn) AS is_next,
                    answer.number, answer.content, answer.ends_call
                FROM calls LEFT JOIN turns AS answer
                    ON answer.call_id = calls.id AND answer.in_reply_to = \(turn.turn)
                WHERE calls.id = \(turn.callID)
            )
            SELECT language, timezone, is_final, is_same_call, number, content, ends_call,
                CASE WHEN number IS NULL AND is_next AND is_same_call AND NOT is_final THEN
                    enqueue_job(\(ProcessConversation.kind), \(try JSON(encoding: turn)), queue => \(options.queue),
                        priority => \(options.priority), max_attempts => \(options.maximumAttempts),
                        key => \(options.key), unique_key => \(options.uniqueKey), awaited => \(options.isAwaited))
                END AS job
            FROM turn
            """)
        guard let row = rows.first else { return .refused(.unknownCall, nil) }
        let taken = try Self.taken(row)
        if case .enqueued = taken { queue.wakeWorkers(of: options.queue) }
        return taken
    }

    private static func taken(_ row: PostgresRow) throws -> Taken {
        let (language, timezone, isFinal, isSameCall, number, content, endsCall, job) = try row.decode(
            String.self, String.self, Bool.self, Bool?.self, Int?.self, String?.self, Bool?.self, JobID?.self)
        let listener = Listener(language: language, timezone: timezone)
        if isSameCall != true { return .refused(.otherCall, listener) }
        if let number, let content, let endsCall {
            return .answered(
                SpokenAnswer(say: content, language: language, nextTurn: number + 1, endsCall: endsCall), listener)
        }
        if let job { return .enqueued(job, listener) }
        return .refused(isFinal ? .callEnded : .outOfTurn, listener)
    }

    /// The committed answer of a turn, or nil when it has none yet.
    public func storedAnswer(call: Int64, turn: Int) async throws -> SpokenAnswer? {
        let rows = try await postgres.query(
            """
            SELECT turns.content, coalesce(calls.language, \(settings.defaultLanguage)), turns.number, turns.ends_call
            FROM turns JOIN calls ON calls.id = turns.call_id
            WHERE turns.call_id = \(call) AND turns.in_reply_to = \(turn)
            """)
        guard let row = rows.first else { return nil }
        let (content, language, number, endsCall) = try row.decode(String.self, String.self, Int.self, Bool.self)
        return SpokenAnswer(say: content, language: language, nextTurn: number + 1, endsCall: endsCall)
    }
}
