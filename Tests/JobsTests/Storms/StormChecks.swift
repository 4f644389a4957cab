import Postgres

/// What must hold when a storm is over. Each asks for what breaks the promise, and finds nothing.
struct StormCheck: Sendable {
    let promise: String
    /// One column: what is wrong, in words.
    let violations: String

    init(_ promise: String, _ violations: String) {
        self.promise = promise
        self.violations = violations
    }

    static let all = ends + runs + order + limits + times

    private static let ends = [
        StormCheck(
            "Every job that the launcher was told of has ended",
            """
            SELECT 'job ' || t.id || ' (' || t.number || ') is not in the history' FROM told_jobs t
            WHERE NOT EXISTS (SELECT FROM finished_jobs f WHERE f.id = t.id
                AND (t.is_shared OR (f.arguments ->> 'number')::bigint = t.number))
            """),
        StormCheck(
            "A job ends once, and nothing happens to it afterwards",
            """
            SELECT 'job ' || id || ' is ' || count(*) || ' times in the history' FROM finished_jobs GROUP BY id HAVING count(*) > 1
            UNION ALL
            SELECT 'job ' || e.id || ' was ' || e.event || ' after its end' FROM job_events e
            JOIN job_events ended ON ended.id = e.id AND ended.event = 'ended' AND ended.number < e.number
            """),
        StormCheck(
            "What was enqueued once is there once",
            """
            SELECT 'number ' || number || ' is ' || count(*) || ' jobs' FROM (
                SELECT (f.arguments ->> 'number')::bigint AS number FROM finished_jobs f
                WHERE NOT EXISTS (SELECT FROM finished_jobs first WHERE first.retried_as = f.id)) AS firsts
            WHERE number > 0 GROUP BY number HAVING count(*) > 1
            """),
        StormCheck(
            "An effect is there exactly if its job ended with it, by the run that had the job",
            """
            SELECT 'job ' || f.id || ' ended as ' || f.state || ' with ' || count(e.job_id) || ' effects'
            FROM finished_jobs f LEFT JOIN effects e ON e.job_id = f.id
            GROUP BY f.id, f.state, f.arguments, f.attempt
            HAVING count(e.job_id) > 1 OR f.state <> 'completed' AND count(e.job_id) > 0 OR max(e.attempt) <> f.attempt
                OR f.state = 'completed' AND f.arguments #>> '{steps,-1}' LIKE 'effect%'
                    AND jsonb_array_length(f.arguments -> 'steps') = 1 AND count(e.job_id) = 0
            """),
        StormCheck(
            "A job ends as its plan says, or says what came between",
            """
            SELECT 'job ' || f.id || ' ' || (f.arguments ->> 'steps') || ' ended as ' || f.state || ' after ' || f.attempt
                || ' attempts: ' || coalesce(f.error, '')
            FROM finished_jobs f WHERE NOT CASE f.state
                WHEN 'completed' THEN f.arguments #>> '{steps,-1}' IN ('complete', 'effect', 'effect_at_once')
                WHEN 'failed' THEN f.error LIKE 'given up%' OR f.error LIKE 'its worker was lost%'
                    AND (f.rescues >= 3 OR f.attempt >= f.max_attempts) OR f.attempt >= f.max_attempts
                WHEN 'expired' THEN f.error = 'it did not start in time'
                ELSE f.error LIKE 'as planned%' OR f.error LIKE '%which it depends on%' OR f.error LIKE '%of its batch%'
                    OR f.error = 'discarded' OR EXISTS (SELECT FROM told_cancels c WHERE c.id = f.id) END
            """),
        StormCheck(
            "Attempts are not exceeded, and three lost workers in a row end a job",
            """
            SELECT 'job ' || id || ': attempt ' || attempt || ' of ' || max_attempts || ', ' || rescues || ' rescues'
            FROM job_events WHERE attempt > max_attempts OR attempt < 0 OR event = 'claimed' AND rescues > 2
            """),
        StormCheck(
            "A cancelled job does not start again",
            """
            SELECT 'job ' || c.id || ' was claimed after its cancellation' FROM told_cancels c
            JOIN job_events e ON e.id = c.id AND e.event = 'claimed' AND e.at > c.at
            """),
    ]

    private static let runs = [
        StormCheck(
            "A job is claimed by one worker at a time",
            """
            SELECT 'job ' || id || ' was claimed while it ran' FROM job_events WHERE event = 'claimed' AND from_state = 'running'
            UNION ALL
            SELECT 'job ' || id || ' has the claim ' || claims || ' twice' FROM job_events WHERE event IN ('claimed', 'adopted')
            GROUP BY id, claims HAVING count(*) > 1
            """),
        StormCheck(
            "A handler runs only what was claimed before, unless the claim was undone by a crash just now",
            """
            SELECT 'job ' || r.job_id || ' ran its attempt ' || r.attempt || ' unclaimed' FROM runs r
            WHERE r.job_id IN (SELECT id FROM told_jobs) AND r.started_at > r.server_started_at + interval '5 s'
                AND NOT EXISTS (SELECT FROM job_events e
                    WHERE e.id = r.job_id AND e.event = 'claimed' AND e.attempt = r.attempt AND e.at < r.started_at)
            """),
        StormCheck(
            "Nobody whose heart beats is declared dead, or loses its jobs",
            """
            SELECT 'declared dead after ' || silent_for FROM gone_workers WHERE silent_for < dead_after
            UNION ALL
            SELECT 'job ' || id || ' was taken from a living worker' FROM job_events
            WHERE worker_lives AND (event = 'adopted' OR event = 'back' AND error = 'its worker was lost' AND rescues > 0)
            """),
        StormCheck(
            "A schedule has one job per tick",
            """
            SELECT 'job ' || e.id || ' is of no tick' FROM job_events e
            WHERE e.event = 'enqueued' AND e.unique_key LIKE 'schedule:%'
                AND NOT EXISTS (SELECT FROM schedule_ticks t WHERE t.job_id = e.id)
            """),
    ]

    private static let order = [
        StormCheck(
            "Jobs of a key run one after the other, in the order of their enqueueing",
            """
            SELECT 'job ' || later.id || ' started before the end of job ' || earlier.id || ' of its key ' || earlier.key
            FROM (SELECT id, key, max(number) FILTER (WHERE event = 'ended') AS ended FROM job_events
                WHERE key IS NOT NULL GROUP BY id, key) AS earlier
            JOIN (SELECT id, key, min(number) AS claimed FROM job_events WHERE event = 'claimed' GROUP BY id, key) AS later
                ON later.key = earlier.key AND later.id > earlier.id AND later.claimed < earlier.ended
            """),
        StormCheck(
            "A unique key names one job at a time",
            """
            SELECT 'jobs ' || a.id || ' and ' || b.id || ' have the unique key ' || a.unique_key || ' at once'
            FROM job_lives a JOIN job_lives b ON a.unique_key = b.unique_key AND b.id <> a.id
            WHERE b.enqueued BETWEEN a.enqueued AND a.ended
            """),
        StormCheck(
            "A job starts after all that it depends on, and only if they completed or it says so",
            """
            SELECT 'job ' || c.id || ' started before the end of job ' || c.depends_on FROM told_chains c
            JOIN job_lives follower ON follower.id = c.id JOIN job_lives first ON first.id = c.depends_on
            WHERE follower.claimed < first.ended
            UNION ALL
            SELECT 'job ' || c.id || ' started though job ' || c.depends_on || ' ended as ' || f.state FROM told_chains c
            JOIN job_lives follower ON follower.id = c.id JOIN finished_jobs f ON f.id = c.depends_on
            WHERE NOT c.runs_anyway AND f.state <> 'completed' AND follower.claimed IS NOT NULL
            UNION ALL
            SELECT 'job ' || f.id || ' was cancelled for nothing: ' || f.error FROM finished_jobs f
            WHERE f.error LIKE '%which it depends on%' AND NOT EXISTS (
                SELECT FROM told_chains c JOIN finished_jobs first ON first.id = c.depends_on
                WHERE c.id = f.id AND NOT c.runs_anyway AND first.state <> 'completed')
            """),
        StormCheck(
            "A batch's job starts after all of its members, and only if they completed or it says so",
            """
            SELECT 'batch ' || b.id || ' started before the end of its member ' || b.member FROM told_batches b
            JOIN job_lives last ON last.id = b.id JOIN job_lives member ON member.id = b.member
            WHERE last.claimed < member.ended
            UNION ALL
            SELECT 'batch ' || b.id || ' started though its member ' || b.member || ' ended as ' || f.state FROM told_batches b
            JOIN job_lives last ON last.id = b.id JOIN finished_jobs f ON f.id = b.member
            WHERE NOT b.runs_anyway AND f.state <> 'completed' AND last.claimed IS NOT NULL
            UNION ALL
            SELECT 'batch ' || f.id || ' was cancelled for nothing: ' || f.error FROM finished_jobs f
            WHERE f.error LIKE '%of its batch%' AND NOT EXISTS (
                SELECT FROM told_batches b JOIN finished_jobs member ON member.id = b.member
                WHERE b.id = f.id AND NOT b.runs_anyway AND member.state <> 'completed')
            UNION ALL
            SELECT 'batch ' || b.id || ' counts ' || b.completed || ' completed and ' || b.unsuccessful || ' others of '
                || coalesce(b.size, -1) || ', and has ' || count(f.id) || ' of ' || count(t.member) || ' members'
            FROM job_batches b JOIN told_batches t ON t.id = b.id
            LEFT JOIN finished_jobs f ON f.id = t.member AND f.batch = b.id
            GROUP BY b.id HAVING count(f.id) <> count(t.member) OR b.size IS DISTINCT FROM count(t.member)
                OR b.completed <> count(f.id) FILTER (WHERE f.state = 'completed')
                OR b.unsuccessful <> count(f.id) FILTER (WHERE f.state <> 'completed')
            """),
    ]

    private static let limits = [
        StormCheck(
            "No more slots are held than a limit has",
            """
            SELECT taken.limit_name || ' had ' || count(*) || ' holders at ' || taken.taken_at
            FROM slot_uses taken JOIN job_limits l ON l.name = taken.limit_name
            JOIN slot_uses held ON held.limit_name = taken.limit_name AND held.taken_at <= taken.taken_at
                AND coalesce(held.released_at, 'infinity') > taken.taken_at
            GROUP BY taken.limit_name, taken.taken_at, taken.holder, l.slots HAVING count(*) > l.slots
            """),
        StormCheck(
            "Who starts holds a slot of each of its limits",
            """
            SELECT 'job ' || id || ' started without ' || slots_missing || ' of its slots' FROM job_events
            WHERE event = 'claimed' AND slots_missing > 0
            """),
        StormCheck(
            "Slots are given back",
            "SELECT holder || ' still holds ' || limit_name FROM job_slots"),
        StormCheck(
            "No more start in any time than the rate allows after the burst",
            """
            WITH starts AS (
                SELECT l.name, l.burst, l.per_second, e.claimed_at AS at,
                    row_number() OVER (PARTITION BY l.name ORDER BY e.claimed_at) AS number
                FROM job_events e JOIN job_limits l ON l.name = ANY (e.limits) AND l.per_second IS NOT NULL
                WHERE e.event = 'claimed' AND e.from_state = 'limited'
            )
            SELECT a.name || ': ' || b.number - a.number + 1 || ' starts in ' || b.at - a.at FROM starts a
            -- A token is taken a moment before its job is marked: the time between may look that much shorter.
            JOIN starts b ON b.name = a.name AND b.number > a.number AND b.number - a.number + 1
                > a.burst + a.per_second * (extract(epoch FROM b.at - a.at)::float8 + 0.5)
            """),
    ]

    private static let times = [
        StormCheck(
            "Nothing starts before its time, whatever the worker's clock says",
            """
            SELECT 'job ' || id || ' started ' || run_at - at || ' too early' FROM job_events
            WHERE event = 'claimed' AND claimed_at < run_at
            """),
        StormCheck(
            "Nothing starts after its deadline, and what has started does not expire",
            """
            SELECT 'job ' || id || ' started ' || claimed_at - start_by || ' after its deadline' FROM job_events
            WHERE event = 'claimed' AND claimed_at > start_by + interval '0.25 s'
            UNION ALL
            SELECT 'job ' || f.id || ' expired though it had started' FROM finished_jobs f
            JOIN job_lives l ON l.id = f.id WHERE f.state = 'expired' AND l.claimed IS NOT NULL
                AND NOT EXISTS (SELECT FROM job_events e WHERE e.id = f.id AND e.event = 'unspent')
            """),
        StormCheck(
            "A failed attempt waits as its own policy says",
            """
            SELECT 'job ' || e.id || ' is due ' || e.run_at - r.ended_at || ' after its failure' FROM job_events e
            CROSS JOIN LATERAL (SELECT max(r.ended_at) AS ended_at FROM runs r
                WHERE r.job_id = e.id AND r.attempt = e.attempt AND r.ended_at < e.at) AS r
            WHERE e.event = 'back' AND e.error = 'failed as planned' AND e.options ? 'retry' AND e.state = 'scheduled'
                AND e.run_at - r.ended_at < interval '1 s' * (e.options #>> '{retry,base}')::float8
            """),
        StormCheck(
            "A paused queue starts nothing",
            """
            SELECT 'job ' || e.id || ' of ' || e.queue || ' started ' || e.at - p.paused_at || ' after the pause'
            FROM told_pauses p JOIN job_events e ON e.queue = p.queue AND e.event = 'claimed'
            -- A claim that was under way may still be marking its jobs.
            WHERE e.at > p.paused_at + interval '1 s' AND e.at < p.resumed_at
            """),
    ]
}

extension StormCheck {
    /// From when to when each job was there: numbers of events.
    static let view = """
        CREATE MATERIALIZED VIEW job_lives AS
        SELECT id, unique_key, min(number) AS enqueued,
            min(number) FILTER (WHERE event = 'claimed') AS claimed, max(number) FILTER (WHERE event = 'ended') AS ended
        FROM job_events GROUP BY id, unique_key;
        CREATE INDEX ON job_lives (id);
        ANALYZE;
        """
}
