import FoundationEssentials
import Jobs
import Platform
import Postgres

/// Brings every call to its end although webhooks were lost, workers died and providers were away: what is silent for long
/// is asked of the provider. Each pass is bounded; what it looked at goes to the back of the line.
struct ReconcileCallsHandler: Sendable {
    private let services: CallServices
    private let calls: CallRecords
    private static let batch = 200
    private static let questionsAtOnce = 8
    /// Calls wait for this step.
    private static let timeForMeetings = Duration.seconds(60)

    init(_ services: CallServices) {
        self.services = services
        calls = CallRecords(services)
    }

    func handle(_ job: ReconcileCalls, context: JobContext) async throws -> JobOutcome {
        var done: [String: JSON] = [:]
        for (name, step) in steps {
            do {
                done[name] = .integer(Int64(try await step(context.logger)))
            } catch let error as CancellationError {
                throw error
            } catch {
                // The next pass comes soon; the other steps need not wait for it.
                context.logger.warning(
                    "reconciling goes on without a step", metadata: ["step": name, "reason": "\(error)"])
                done[name] = .string("failed")
            }
        }
        return .completed(.object(done))
    }

    private var steps: [(String, @Sendable (Logger) async throws -> Int)] {
        [
            ("dials_reopened", { _ in try await reopenDials() }),
            ("calls_asked", { try await askSilentCalls($0) }),
            ("calls_given_up", { _ in try await giveUpForeignCalls() }),
            ("outcomes_awaited", { _ in try await finalizeEndedCalls() }),
            ("meetings_settled", { try await settleMeetings($0) }),
            ("calls_revived", { _ in try await reviveQueuedCalls() }),
            ("campaigns_finished", { _ in try await finishCampaigns() }),
            ("slots_released", { _ in try await count("SELECT release_forgotten_calls(\(Self.batch)::int)") }),
            ("limits_dropped", { _ in try await count("SELECT drop_campaign_limits(\(Self.batch)::int)") }),
        ]
    }
}

extension ReconcileCallsHandler {
    /// An intent without an answer is settled by `initiate_call`, which may have used up its attempts.
    private func reopenDials() async throws -> Int {
        try await services.postgres.query(
            """
            UPDATE calls SET last_event_at = now(), job_id = enqueue_dial(id, campaign_id)
            WHERE id IN (SELECT id FROM calls
                WHERE status = 'dialing' AND provider_call_id IS NULL AND direction = 'outbound' AND finalized_at IS NULL
                    AND last_event_at < now() - make_interval(secs => \(services.settings.reconcileAfter.inSeconds))
                ORDER BY last_event_at LIMIT \(Self.batch) FOR NO KEY UPDATE SKIP LOCKED)
            """
        ).affectedRows
    }

    private struct SilentCall: Sendable {
        var id: Int64
        var providerCallID: String
        var age: Duration
        /// A person talks with the caller: how long is theirs to say.
        var isTransferred: Bool
    }

    private func askSilentCalls(_ logger: Logger) async throws -> Int {
        let silent = try await silentCalls()
        try await withThrowingTaskGroup(of: Bool.self) { group in
            var failures = 0
            for (index, call) in silent.enumerated() {
                if index >= Self.questionsAtOnce, try await group.next() == false { failures += 1 }
                // When nobody is answered, the provider is away for all of them: the pass ends.
                if failures >= Self.questionsAtOnce { break }
                group.addTask { try await tryToAsk(call, logger) }
            }
            try await group.waitForAll()
        }
        return silent.count
    }

    private func silentCalls() async throws -> [SilentCall] {
        try await services.postgres.query(
            """
            SELECT id, provider_call_id,
                extract(epoch FROM clock_timestamp() - coalesce(answered_at, dial_intent_at, created_at))::float8,
                EXISTS (SELECT FROM turns WHERE call_id = calls.id AND transfer_to IS NOT NULL)
            FROM calls
            WHERE status IN ('dialing', 'ringing', 'in_progress') AND finalized_at IS NULL
                AND provider = \(services.settings.provider) AND provider_call_id IS NOT NULL
                AND last_event_at < now() - make_interval(secs => \(services.settings.reconcileAfter.inSeconds))
            ORDER BY random() LIMIT \(Self.batch)
            """
        ).map { row in
            let (id, providerCallID, age, isTransferred) = try row.decode(
                Int64.self, String.self, Double.self, Bool.self)
            return SilentCall(
                id: id, providerCallID: providerCallID, age: .seconds(age), isTransferred: isTransferred)
        }
    }

    /// Calls of a provider that is configured no more: nobody can be asked. While they could still be under way they wait,
    /// for webhooks or for a process that knows the provider. A chat that nobody ended was left by a process that died.
    private func giveUpForeignCalls() async throws -> Int {
        let rows = try await services.postgres.query(
            """
            SELECT id, provider FROM calls
            WHERE status IN ('dialing', 'ringing', 'in_progress') AND finalized_at IS NULL
                AND provider <> \(services.settings.provider) AND provider_call_id IS NOT NULL
                AND last_event_at < now() - make_interval(secs => \((services.settings.maximumCallDuration * 2).inSeconds))
            ORDER BY last_event_at LIMIT \(Self.batch)
            """)
        for row in rows {
            let (id, provider) = try row.decode(Int64.self, String.self)
            if provider == ChatSession.provider {
                try await calls.end(id, error: "the chat was left without an end")
            } else {
                try await calls.end(id, .uncertain, error: "its provider \(provider) is configured no more")
            }
        }
        return rows.count
    }

    /// A call that cannot be asked about must not keep the others from it. One that is older than any call can be is given
    /// up. False when nobody answered.
    private func tryToAsk(_ silent: SilentCall, _ logger: Logger) async throws -> Bool {
        do {
            try await ask(silent, logger)
            return true
        } catch let error where error.endsPass {
            throw error
        } catch {
            logger.warning(
                "a call cannot be reconciled", metadata: ["call": "\(silent.id)", "error": "\(error)"])
            if silent.age > services.settings.maximumCallDuration * 2 {
                try await calls.end(silent.id, .uncertain, error: "the provider cannot say what became of it")
            }
            return false
        }
    }

    private func ask(_ silent: SilentCall, _ logger: Logger) async throws {
        guard let call = try await services.telephony.state(of: silent.providerCallID) else {
            try await calls.end(silent.id, .uncertain, error: "the provider knows no such call")
            return
        }
        let recorded = try await calls.record(call, for: silent.id)
        guard let recorded, !recorded.status.isFinal else { return }
        let isTooLong = silent.age > services.settings.maximumCallDuration && !silent.isTransferred
        if isTooLong || recorded.isAnsweredByMachine {
            logger.warning("a call is hung up: it lasts too long", metadata: ["call": "\(silent.id)"])
            try await services.telephony.hangUp(silent.providerCallID)
        }
    }

    private func finalizeEndedCalls() async throws -> Int {
        try await services.postgres.query(
            """
            SELECT enqueue_finalize(id, campaign_id) FROM calls
            WHERE status IN ('ended', 'uncertain') AND finalized_at IS NULL
                AND last_event_at < now() - make_interval(secs => \(services.settings.reconcileAfter.inSeconds))
            ORDER BY last_event_at LIMIT \(Self.batch)
            """
        ).count
    }

    func settleMeetings(_ logger: Logger) async throws -> Int {
        try await MeetingSettlement(services).settleForgotten(limit: Self.batch, within: Self.timeForMeetings, logger)
    }

    /// A queued call always has a job. Should somebody have cancelled its job, it ends; should it have been lost,
    /// it gets another.
    private func reviveQueuedCalls() async throws -> Int {
        let rows = try await services.postgres.query(
            """
            WITH quiet AS MATERIALIZED (
                SELECT id, campaign_id, EXISTS (SELECT FROM jobs WHERE jobs.id = job_id) AS has_job,
                    EXISTS (SELECT FROM finished_jobs
                        WHERE finished_jobs.id = job_id AND state = 'cancelled') AS is_cancelled
                FROM calls
                WHERE status = 'queued' AND finalized_at IS NULL
                    AND last_event_at < now() - interval '10 minutes'
                ORDER BY last_event_at LIMIT \(Self.batch) FOR NO KEY UPDATE SKIP LOCKED)
            UPDATE calls SET last_event_at = now(), job_id = CASE WHEN has_job OR is_cancelled THEN job_id ELSE
                enqueue_dial(quiet.id, quiet.campaign_id) END
            FROM quiet WHERE calls.id = quiet.id
            RETURNING calls.id, has_job, is_cancelled
            """)
        var revived = 0
        for row in rows {
            let (id, hasJob, isCancelled) = try row.decode(Int64.self, Bool.self, Bool.self)
            if isCancelled {
                try await calls.end(id, error: "its job was cancelled")
            } else if !hasJob {
                revived += 1
            }
        }
        return revived
    }

    /// Whoever wrote the last outcome may have found somebody adding calls who then did not.
    private func finishCampaigns() async throws -> Int {
        try await count(
            """
            SELECT count(*) FILTER (WHERE finish_campaign(id)) FROM (
                SELECT id FROM campaigns
                WHERE status = 'running' AND inbound_number IS NULL AND NOT has_open_calls(id)
                ORDER BY id LIMIT \(Self.batch)) AS idle
            """)
    }

    private func count(_ query: PostgresQuery) async throws -> Int {
        try await services.postgres.query(query)[0].decode(Int.self)
    }
}
