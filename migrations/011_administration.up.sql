-- What an operator does with jobs and queues: retry and discard, the dead letters, progress of running jobs, counts.
--
-- Whoever changes ended jobs and makes new ones of them locks rows of finished_jobs first, then rows of job_keys sorted by
-- key, then rows of jobs. Nobody who holds a key waits for a row of finished_jobs.

-- Nullable and without a default: no row is rewritten, and new partitions copy them.
ALTER TABLE finished_jobs ADD retried_as bigint, ADD discarded_at timestamptz, ADD options jsonb;
COMMENT ON COLUMN finished_jobs.options IS
    'What a retry takes along beside the other columns: retry, traceparent, limits, holder.';
COMMENT ON COLUMN finished_jobs.retried_as IS 'The job that it was enqueued again as.';
COMMENT ON COLUMN finished_jobs.discarded_at IS 'When somebody decided that it is not to be run again.';

-- The dead letters, and nothing else, oldest first. It goes with its partition.
CREATE INDEX finished_jobs_dead ON finished_jobs (finished_at, id)
    WHERE state IN ('failed', 'expired') AND retried_as IS NULL AND discarded_at IS NULL;
-- Where a job came from.
CREATE INDEX finished_jobs_retried ON finished_jobs (retried_as) WHERE retried_as IS NOT NULL;
-- Counts what waits for other jobs; the other waiting states have an index by queue already.
CREATE INDEX jobs_held_up ON jobs (queue, state, id) WHERE state IN ('blocked', 'waiting');

CREATE VIEW dead_jobs AS
SELECT id, kind, queue, state, error, attempt, max_attempts, rescues, priority, key, unique_key, enqueued_at, claimed_at,
    finished_at, arguments
FROM finished_jobs WHERE state IN ('failed', 'expired') AND retried_as IS NULL AND discarded_at IS NULL;
COMMENT ON VIEW dead_jobs IS 'Dead letters: jobs that failed or expired and were neither retried nor discarded since.';

-- What retries take along -------------------------------------------------------------------------------------------

-- As insert_job takes it. By the names of the limits: a lane that nobody waits in may go.
CREATE FUNCTION kept_options(job jobs) RETURNS jsonb LANGUAGE plpgsql STABLE SET enable_seqscan = off AS $$
BEGIN
    IF job.options IS NULL AND job.lane IS NULL THEN RETURN NULL; END IF;
    RETURN nullif(coalesce(job.options, '{}') - 'depends_on' || jsonb_strip_nulls(jsonb_build_object(
        'limits', (SELECT l.limits FROM job_lanes l WHERE l.id = job.lane), 'holder', job.holder)), '{}');
END $$;

-- As before, and what did not complete keeps its options.
CREATE OR REPLACE FUNCTION follow_ends(ids bigint[], states job_state[], batches bigint[], newcomer bigint DEFAULT NULL)
RETURNS void LANGUAGE plpgsql SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    followers bigint[];
    doomed jsonb;
    ended_awaited bigint[];
BEGIN
    LOOP
        PERFORM FROM job_batches b WHERE b.id = ANY (batches) ORDER BY b.id FOR NO KEY UPDATE;
        UPDATE job_batches b SET completed = b.completed + ended.completed, unsuccessful = b.unsuccessful + ended.unsuccessful
        FROM (
            SELECT batch, count(*) FILTER (WHERE state = 'completed') AS completed,
                count(*) FILTER (WHERE state <> 'completed') AS unsuccessful
            FROM unnest(states, batches) AS ended (state, batch) WHERE batch IS NOT NULL GROUP BY batch
        ) AS ended
        WHERE b.id = ended.batch;

        followers := ARRAY(SELECT d.job_id FROM job_dependencies d WHERE d.depends_on = ANY (ids)
            UNION SELECT newcomer WHERE newcomer IS NOT NULL
            UNION SELECT b.id FROM job_batches b WHERE b.id = ANY (batches) AND b.size = b.completed + b.unsuccessful);
        PERFORM FROM jobs j WHERE j.id = ANY (followers) ORDER BY j.id FOR UPDATE;
        -- Under their locks: of several that end at once, the last one sees that it is the last.
        doomed := (
            SELECT jsonb_object_agg(follower, reason) FROM (
                SELECT d.job_id AS follower, 'job ' || ended.id || ', which it depends on, did not complete' AS reason
                FROM unnest(ids, states) AS ended (id, state)
                JOIN job_dependencies d ON d.depends_on = ended.id AND NOT d.runs_anyway
                WHERE ended.state <> 'completed'
                UNION ALL
                SELECT newcomer, 'job ' || ids[1] || ', which it depends on, did not complete' WHERE newcomer IS NOT NULL
                UNION ALL
                SELECT b.id, b.unsuccessful || ' of the ' || b.size || ' jobs of its batch did not complete'
                FROM job_batches b
                WHERE b.id = ANY (batches) AND b.size = b.completed + b.unsuccessful AND b.unsuccessful > 0
                    AND NOT b.runs_anyway) AS doomed);
        DELETE FROM job_dependencies d WHERE d.depends_on = ANY (ids);
        PERFORM start_waiting(ARRAY(
            SELECT follower FROM unnest(followers) AS follower
            WHERE NOT coalesce(doomed ? follower::text, false)
                AND NOT EXISTS (SELECT FROM job_dependencies d WHERE d.job_id = follower)));

        newcomer := NULL;
        WITH gone AS (
            DELETE FROM jobs j
            WHERE j.id IN (SELECT key::bigint FROM jsonb_object_keys(doomed) AS key) AND j.state = 'waiting'
            RETURNING j.*, kept_options(j) AS kept
        ), waits AS (
            DELETE FROM job_dependencies d WHERE d.job_id IN (SELECT key::bigint FROM jsonb_object_keys(doomed) AS key)
        ), history AS (
            INSERT INTO finished_jobs (id, enqueued_at, run_at, state, priority, attempt, max_attempts, rescues, kind, queue,
                unique_key, error, arguments, batch, options)
            SELECT id, enqueued_at, run_at, 'cancelled', priority, attempt, max_attempts, rescues, kind, queue, unique_key,
                doomed ->> id::text, arguments, batch, kept FROM gone
        )
        SELECT coalesce(array_agg(id) FILTER (WHERE has_followers OR batch IS NOT NULL), '{}'),
            coalesce(array_agg('cancelled'::job_state) FILTER (WHERE has_followers OR batch IS NOT NULL), '{}'),
            coalesce(array_agg(batch) FILTER (WHERE has_followers OR batch IS NOT NULL), '{}'),
            array_agg(id) FILTER (WHERE awaited)
        INTO ids, states, batches, ended_awaited FROM gone;
        PERFORM pg_notify('operadora_results', id::text) FROM unnest(ended_awaited) AS id;
        EXIT WHEN cardinality(ids) = 0;
    END LOOP;
END $$;

CREATE OR REPLACE FUNCTION settle_jobs(
    by_worker bigint, ids bigint[], fences integer[], outcomes text[], results text[], errors text[],
    delays double precision[], wait boolean, OUT stale bigint[], OUT busy bigint[], OUT queues text[]
) LANGUAGE plpgsql SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_column
DECLARE
    keys text[];
    ended_keys text[];
    done bigint[];
    rest bigint[];
    followed bigint[];
    states job_state[];
    batches bigint[];
    holders text[];
BEGIN
    IF wait THEN
        SELECT array_agg(locked.key) INTO keys FROM (
            SELECT k.key FROM job_keys k WHERE k.key IN (SELECT j.key FROM jobs j WHERE j.id = ANY (ids))
            ORDER BY k.key FOR UPDATE) AS locked;
    ELSE
        SELECT array_agg(locked.key) INTO keys FROM (
            SELECT k.key FROM job_keys k WHERE k.key IN (SELECT j.key FROM jobs j WHERE j.id = ANY (ids))
            ORDER BY k.key FOR UPDATE SKIP LOCKED) AS locked;
    END IF;

    WITH mine AS MATERIALIZED (
        SELECT * FROM unnest(ids, fences, outcomes, results, errors, delays)
            AS mine (id, fence, outcome, result, error, delay)
    ), ended AS (
        DELETE FROM jobs j USING mine
        WHERE j.id = mine.id AND j.claims = mine.fence AND j.worker IS NOT DISTINCT FROM by_worker
            AND (j.key IS NULL OR j.key = ANY (keys))
            AND (mine.outcome NOT IN ('retry', 'snooze', 'release') OR j.cancel_requested)
        RETURNING j.*, mine.outcome, nullif(mine.result, '')::jsonb AS result, nullif(mine.error, '') AS last_error,
            CASE WHEN mine.outcome IN ('retry', 'snooze', 'release') THEN 'cancelled' ELSE mine.outcome END::job_state AS ending,
            CASE WHEN mine.outcome <> 'completed' THEN kept_options(j) END AS kept
    ), history AS (
        INSERT INTO finished_jobs (id, enqueued_at, run_at, claimed_at, worker, state, priority, attempt, max_attempts,
            rescues, kind, queue, key, unique_key, error, arguments, result, batch, options)
        SELECT id, enqueued_at, run_at, claimed_at, worker, ending, priority, attempt, max_attempts, rescues, kind, queue,
            key, unique_key, CASE WHEN outcome <> 'completed' THEN coalesce(last_error, error) END, arguments, result, batch, kept
        FROM ended
    ), again AS (
        UPDATE jobs j SET
            worker = NULL,
            state = CASE WHEN mine.delay > 0 AND NOT j.woken THEN 'scheduled'
                WHEN j.lane IS NULL OR mine.outcome = 'release' THEN 'available'
                WHEN j.holder IS NULL THEN 'limited' ELSE ready_state(j.lane, j.holder, j.id) END,
            run_at = CASE WHEN j.woken THEN clock_timestamp() ELSE clock_timestamp() + mine.delay * interval '1 s' END,
            attempt = j.attempt - CASE WHEN mine.outcome = 'retry' THEN 0 ELSE 1 END,
            rescues = CASE WHEN mine.outcome = 'release' THEN j.rescues ELSE 0 END,
            start_by = CASE WHEN mine.outcome = 'release' THEN j.start_by END,
            error = coalesce(nullif(mine.error, ''), j.error),
            woken = false
        FROM mine
        WHERE j.id = mine.id AND j.claims = mine.fence AND j.worker IS NOT DISTINCT FROM by_worker
            AND mine.outcome IN ('retry', 'snooze', 'release') AND NOT j.cancel_requested
        RETURNING j.id, j.queue, j.state, j.lane IS NOT NULL AND j.holder IS NULL AND mine.outcome <> 'release' AS gives_back
    )
    SELECT array_agg(id), array_agg(DISTINCT key) FILTER (WHERE key IS NOT NULL),
        array_agg(DISTINCT queue) FILTER (WHERE queue IS NOT NULL),
        array_agg(id) FILTER (WHERE is_followed), array_agg(state) FILTER (WHERE is_followed),
        array_agg(batch) FILTER (WHERE is_followed),
        -- A failed attempt and a snooze give their slots back and wait anew; a hand-back keeps them.
        array_agg('job:' || id) FILTER (WHERE gives_back)
    INTO done, ended_keys, queues, followed, states, batches, holders
    FROM (SELECT id, key, NULL AS queue, ending AS state, batch, has_followers OR batch IS NOT NULL AS is_followed,
            lane IS NOT NULL AND holder IS NULL AS gives_back
        FROM ended
        UNION ALL
        SELECT id, NULL, CASE WHEN state <> 'scheduled' THEN queue END, NULL, NULL, false, gives_back FROM again) AS settled;

    IF holders IS NOT NULL THEN PERFORM release_slots(holders); END IF;

    IF ended_keys IS NOT NULL THEN queues := queues || release_job_keys(ended_keys); END IF;
    IF followed IS NOT NULL THEN PERFORM follow_ends(followed, states, batches); END IF;
    rest := ARRAY(SELECT unnest(ids) EXCEPT SELECT unnest(done));
    busy := ARRAY(SELECT j.id FROM unnest(ids, fences) AS mine (id, fence) JOIN jobs j ON j.id = mine.id
        WHERE j.id = ANY (rest) AND j.claims = mine.fence AND j.worker IS NOT DISTINCT FROM by_worker);
    stale := ARRAY(SELECT unnest(rest) EXCEPT SELECT unnest(busy));
    queues := coalesce(queues, '{}');
END $$;

CREATE OR REPLACE FUNCTION cancel_job(job_id bigint) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    job jobs;
    woken_queue text;
BEGIN
    -- The key first, then the job: the order of all.
    PERFORM FROM job_keys k WHERE k.key = (SELECT j.key FROM jobs j WHERE j.id = job_id) FOR UPDATE;
    SELECT * INTO job FROM jobs j WHERE j.id = job_id FOR UPDATE;
    IF NOT FOUND THEN RETURN false; END IF;
    IF job.state = 'running' THEN
        UPDATE jobs SET cancel_requested = true WHERE id = job_id;
        PERFORM pg_notify('operadora_cancels', job_id::text);
        RETURN true;
    END IF;
    DELETE FROM jobs WHERE id = job_id;
    INSERT INTO finished_jobs (id, enqueued_at, run_at, claimed_at, state, priority, attempt, max_attempts, rescues,
        kind, queue, key, unique_key, error, arguments, batch, options)
    VALUES (job.id, job.enqueued_at, job.run_at, job.claimed_at, 'cancelled', job.priority, job.attempt,
        job.max_attempts, job.rescues, job.kind, job.queue, job.key, job.unique_key, job.error, job.arguments, job.batch,
        kept_options(job));
    DELETE FROM job_dependencies d WHERE d.job_id = cancel_job.job_id;
    IF job.lane IS NOT NULL AND job.holder IS NULL THEN PERFORM release_slots('job:' || job_id); END IF;
    IF job.has_followers OR job.batch IS NOT NULL THEN
        PERFORM follow_ends(ARRAY[job_id], ARRAY['cancelled'::job_state], ARRAY[job.batch]);
    END IF;
    IF job.key IS NOT NULL THEN
        FOREACH woken_queue IN ARRAY coalesce(release_job_keys(ARRAY[job.key]), '{}') LOOP
            PERFORM pg_notify('operadora_jobs', woken_queue);
        END LOOP;
    END IF;
    IF job.awaited THEN PERFORM pg_notify('operadora_results', job_id::text); END IF;
    RETURN true;
END $$;

-- Retry --------------------------------------------------------------------------------------------------------------

-- Makes a new job of an ended one, whose row is locked. Its deadline is not given again, since what is retried may be late;
-- nor are its batch and what it depended on, which have drawn their conclusions from the first end.
CREATE FUNCTION enqueue_again(ended finished_jobs) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    again record;
BEGIN
    again := insert_job(ended.kind, ended.arguments, ended.queue, ended.priority, NULL, ended.max_attempts, ended.key,
        NULL, NULL, false, ended.options);
    -- The unique key comes after: insert_job would answer with the job that has it now, and this one would be lost.
    IF ended.unique_key IS NOT NULL AND NOT EXISTS (SELECT FROM jobs j WHERE j.unique_key = ended.unique_key) THEN
        BEGIN
            UPDATE jobs j SET unique_key = ended.unique_key WHERE j.id = again.id;
        EXCEPTION WHEN unique_violation THEN
            NULL; -- Taken by a transaction that committed meanwhile.
        END;
    END IF;
    UPDATE finished_jobs f SET retried_as = again.id, discarded_at = NULL
    WHERE f.id = ended.id AND f.finished_at = ended.finished_at;
    IF again.due THEN PERFORM pg_notify('operadora_jobs', ended.queue); END IF;
    RETURN again.id;
END $$;

CREATE FUNCTION retry_job(job_id bigint) RETURNS bigint LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    alive job_state;
    ended finished_jobs;
BEGIN
    SELECT j.state INTO alive FROM jobs j WHERE j.id = job_id FOR UPDATE;
    IF alive = 'running' THEN
        RAISE EXCEPTION 'job % is running', job_id USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Wait for its end, or stop it with cancel_job and retry it then.';
    END IF;
    IF alive = 'waiting' THEN
        RAISE EXCEPTION 'job % waits for the ends of other jobs', job_id USING ERRCODE = 'invalid_parameter_value',
            HINT = 'It starts by itself when they have ended; discard_job ends it.';
    END IF;
    IF alive IS NOT NULL THEN
        PERFORM wake_job(job_id);
        RETURN job_id;
    END IF;
    SELECT * INTO ended FROM finished_jobs f WHERE f.id = job_id ORDER BY f.finished_at DESC LIMIT 1 FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no job %', job_id USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Look for it in jobs and finished_jobs; what ended longer ago than history is kept is gone.';
    END IF;
    IF ended.state = 'completed' THEN
        RAISE EXCEPTION 'job % has completed', job_id USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Only what failed, expired or was cancelled is retried. To do it once more, call enqueue_job.';
    END IF;
    RETURN coalesce(ended.retried_as, enqueue_again(ended));
END $$;
COMMENT ON FUNCTION retry_job IS
    'Lets a waiting job run now, or enqueues one that failed, expired or was cancelled again. Returns the id of the job that '
    'will run; repeating it returns the same.';

-- The dead letters that a bulk command is about, locked, oldest first; another transaction's are passed over.
CREATE FUNCTION lock_dead_jobs(of_kind text, of_queue text, since timestamptz, at_most integer)
RETURNS SETOF finished_jobs LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    IF at_most IS NULL OR at_most NOT BETWEEN 1 AND 100000 THEN
        RAISE EXCEPTION 'at_most is %, but must be 1 to 100000', coalesce(at_most::text, 'NULL')
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Call it again for the rest, until it returns 0.';
    END IF;
    RETURN QUERY
    SELECT f.* FROM finished_jobs f
    WHERE f.state IN ('failed', 'expired') AND f.retried_as IS NULL AND f.discarded_at IS NULL
        AND f.finished_at >= coalesce(since, '-infinity')
        AND (of_kind IS NULL OR f.kind = of_kind) AND (of_queue IS NULL OR f.queue = of_queue)
    ORDER BY f.finished_at, f.id LIMIT at_most FOR UPDATE SKIP LOCKED;
END $$;

CREATE FUNCTION retry_failed(
    kind text DEFAULT NULL, queue text DEFAULT NULL, since timestamptz DEFAULT NULL, at_most integer DEFAULT 1000
) RETURNS integer LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    ended finished_jobs;
    retried integer := 0;
BEGIN
    -- Keys are locked in their order, and unique keys are taken in theirs: two of these never wait for each other in a circle.
    FOR ended IN SELECT * FROM lock_dead_jobs(retry_failed.kind, retry_failed.queue, since, at_most) AS dead
        ORDER BY dead.key NULLS FIRST, CASE WHEN dead.key IS NULL THEN dead.unique_key END NULLS FIRST,
            dead.finished_at, dead.id
    LOOP
        PERFORM enqueue_again(ended);
        retried := retried + 1;
    END LOOP;
    RETURN retried;
END $$;
COMMENT ON FUNCTION retry_failed IS
    'Enqueues dead letters again, the oldest first, and returns how many. Each is retried once, whoever else calls it.';

-- Discard ------------------------------------------------------------------------------------------------------------

CREATE FUNCTION discard_job(job_id bigint) RETURNS boolean LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    alive job_state;
    ended finished_jobs;
BEGIN
    BEGIN
        -- The key first, then the job: the order of all.
        PERFORM FROM job_keys k WHERE k.key = (SELECT j.key FROM jobs j WHERE j.id = job_id) FOR UPDATE;
        SELECT j.state INTO alive FROM jobs j WHERE j.id = job_id FOR UPDATE;
        -- It may have ended while its key was waited for. Its row comes before the key: this lets go of the key.
        IF alive IS NULL THEN RAISE SQLSTATE 'OPJ02'; END IF;
    EXCEPTION WHEN SQLSTATE 'OPJ02' THEN
        NULL;
    END;
    IF alive = 'running' THEN
        RAISE EXCEPTION 'job % is running', job_id USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Stop it with cancel_job.';
    END IF;
    IF alive IS NOT NULL THEN
        PERFORM cancel_job(job_id);
        UPDATE finished_jobs f SET error = 'discarded', discarded_at = clock_timestamp()
        WHERE f.id = job_id AND f.finished_at >= now();
        RETURN true;
    END IF;
    SELECT * INTO ended FROM finished_jobs f WHERE f.id = job_id ORDER BY f.finished_at DESC LIMIT 1 FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no job %', job_id USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Look for it in jobs and finished_jobs; what ended longer ago than history is kept is gone.';
    END IF;
    IF ended.state = 'completed' THEN
        RAISE EXCEPTION 'job % has completed', job_id USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Only what waits, failed or expired is discarded.';
    END IF;
    IF ended.retried_as IS NOT NULL THEN
        RAISE EXCEPTION 'job % was enqueued again as job %', job_id, ended.retried_as
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Discard, or cancel, that one.';
    END IF;
    IF ended.state = 'cancelled' OR ended.discarded_at IS NOT NULL THEN RETURN false; END IF;
    UPDATE finished_jobs f SET discarded_at = clock_timestamp()
    WHERE f.id = ended.id AND f.finished_at = ended.finished_at;
    RETURN true;
END $$;
COMMENT ON FUNCTION discard_job IS
    'Ends a waiting job as cancelled with the error discarded, or takes a dead letter off the list; false when it was off.';

CREATE FUNCTION discard_failed(
    kind text DEFAULT NULL, queue text DEFAULT NULL, since timestamptz DEFAULT NULL, at_most integer DEFAULT 1000
) RETURNS integer LANGUAGE plpgsql SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    discarded integer;
BEGIN
    WITH dead AS MATERIALIZED (
        SELECT d.id, d.finished_at FROM lock_dead_jobs(discard_failed.kind, discard_failed.queue, since, at_most) AS d
    )
    UPDATE finished_jobs f SET discarded_at = clock_timestamp()
    FROM dead WHERE f.id = dead.id AND f.finished_at = dead.finished_at;
    GET DIAGNOSTICS discarded = ROW_COUNT;
    RETURN discarded;
END $$;
COMMENT ON FUNCTION discard_failed IS 'Takes dead letters off the list, the oldest first, and returns how many.';

-- Progress -----------------------------------------------------------------------------------------------------------

-- Unlogged: it costs no write to the disk, and a crash of the server, after which an id may be drawn again, empties it.
CREATE UNLOGGED TABLE progress_reports (
    job_id bigint PRIMARY KEY,
    fence integer NOT NULL,
    fraction double precision NOT NULL,
    message text,
    reported_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT progress_is_0_to_1 CHECK (fraction BETWEEN 0 AND 1),
    CONSTRAINT progress_message_is_at_most_1000_bytes CHECK (octet_length(message) <= 1000)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
COMMENT ON TABLE progress_reports IS 'What handlers last said of their progress. Read job_progress: this may hold ended runs.';
COMMENT ON COLUMN progress_reports.fence IS 'The number of claims of the run that said it.';

CREATE VIEW job_progress AS
SELECT p.job_id, p.fraction, p.message, p.reported_at
FROM progress_reports p JOIN jobs j ON j.id = p.job_id AND j.claims = p.fence WHERE j.state = 'running';
COMMENT ON VIEW job_progress IS 'How far running jobs are, from 0 to 1, as the run that has them says.';

-- False when the job is not this run's any more: then nothing has changed. The row of the job is not touched. A run that
-- loses the job in this very moment leaves a row that job_progress does not show, and that cannot replace a later run's.
CREATE FUNCTION report_progress(job_id bigint, fraction double precision, message text, by_worker bigint, fence integer)
RETURNS boolean LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
    INSERT INTO progress_reports AS p (job_id, fence, fraction, message)
    SELECT j.id, j.claims, report_progress.fraction, report_progress.message FROM jobs j
    WHERE j.id = report_progress.job_id AND j.claims = report_progress.fence AND j.state = 'running'
        AND j.worker IS NOT DISTINCT FROM by_worker
    ON CONFLICT ON CONSTRAINT progress_reports_pkey DO UPDATE SET fence = excluded.fence, fraction = excluded.fraction,
        message = excluded.message, reported_at = excluded.reported_at
    WHERE p.fence <= excluded.fence;
    RETURN FOUND;
END $$;
COMMENT ON FUNCTION report_progress IS
    'Says how far a running job is, 0 to 1; fenced by the worker and the number of claims. False: it is not this run''s.';

-- Rows of runs whose worker died before it could take them away.
CREATE FUNCTION prune_progress() RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    pruned integer;
BEGIN
    DELETE FROM progress_reports p WHERE p.reported_at < clock_timestamp() - interval '1 min'
        AND NOT EXISTS (SELECT FROM job_progress shown WHERE shown.job_id = p.job_id);
    GET DIAGNOSTICS pruned = ROW_COUNT;
    RETURN pruned;
END $$;

-- Counts -------------------------------------------------------------------------------------------------------------

-- What it reads has a bound however many jobs there are: 1,000 queues, and of each 10,000 jobs of each state in the order of
-- its index; 10,000 lanes of limits. The running jobs have no index by queue, which each claim would pay for: of them it reads 100,000 in all.
CREATE FUNCTION queue_counts() RETURNS TABLE (
    queue text, paused_at timestamptz, workers integer, available integer, scheduled integer, blocked integer,
    waiting integer, limited integer, running integer, more job_state[], oldest_wait_seconds double precision, next_due_at timestamptz
) LANGUAGE sql STABLE
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET jit = off AS $$
    -- From one queue that has waiting jobs to the next, by one probe of each index.
    WITH RECURSIVE next (queue, number) AS (
        SELECT '', 0
        UNION ALL
        SELECT least(
            (SELECT j.queue::text FROM jobs j WHERE j.state = 'available' AND j.queue > n.queue ORDER BY j.queue LIMIT 1),
            (SELECT j.queue::text FROM jobs j WHERE j.state = 'scheduled' AND j.queue > n.queue ORDER BY j.queue LIMIT 1),
            (SELECT j.queue::text FROM jobs j WHERE j.state IN ('blocked', 'waiting') AND j.queue > n.queue
                ORDER BY j.queue LIMIT 1)),
            n.number + 1
        FROM next n WHERE n.queue IS NOT NULL AND n.number < 1000
    ), lanes (lane, number) AS (
        (SELECT j.lane, 1 FROM jobs j WHERE j.state = 'limited' ORDER BY j.lane LIMIT 1)
        UNION ALL
        SELECT (SELECT j.lane FROM jobs j WHERE j.state = 'limited' AND j.lane > before.lane ORDER BY j.lane LIMIT 1),
            before.number + 1
        FROM lanes before WHERE before.lane IS NOT NULL AND before.number < 10000
    ), lane AS MATERIALIZED (
        SELECT l.id, l.queue FROM lanes JOIN job_lanes l ON l.id = lanes.lane
    ), running AS MATERIALIZED (
        SELECT r.queue, count(*) AS jobs, sum(count(*)) OVER () = 100000 AS is_cut
        FROM (SELECT j.queue::text FROM jobs j WHERE j.state = 'running' ORDER BY j.worker LIMIT 100000) AS r
        GROUP BY r.queue
    ), known AS (
        SELECT q.name::text AS queue FROM queues q
        UNION SELECT n.queue FROM next n WHERE n.queue <> ''
        UNION SELECT l.queue FROM lane l
        UNION SELECT r.queue FROM running r
        ORDER BY 1 LIMIT 1000
    )
    SELECT known.queue, (SELECT q.paused_at FROM queues q WHERE q.name = known.queue),
        (SELECT count(*) FROM workers w WHERE known.queue = ANY (w.queues) AND NOT w.stopping
            AND greatest(w.heartbeat_at, pg_postmaster_start_time()) >= statement_timestamp() - w.dead_after)::integer,
        least(available.jobs, 10000)::integer, least(scheduled.jobs, 10000)::integer,
        least(blocked.jobs, 10000)::integer, least(waiting.jobs, 10000)::integer,
        least(limited.jobs, 10000)::integer, least(coalesce(running.jobs, 0), 10000)::integer,
        array_remove(ARRAY[
            CASE WHEN available.jobs > 10000 THEN 'available' END, CASE WHEN scheduled.jobs > 10000 THEN 'scheduled' END,
            CASE WHEN blocked.jobs > 10000 THEN 'blocked' END, CASE WHEN waiting.jobs > 10000 THEN 'waiting' END,
            CASE WHEN limited.jobs > 10000 THEN 'limited' END,
            CASE WHEN running.jobs > 10000 OR running.is_cut THEN 'running' END]::job_state[], NULL),
        CASE WHEN available.jobs > 0 THEN greatest(0,
            extract(epoch FROM statement_timestamp() - least(available.oldest, lowest.oldest)))::double precision END,
        scheduled.next_due_at
    FROM known
    LEFT JOIN running ON running.queue = known.queue
    CROSS JOIN LATERAL (
        SELECT count(*) AS jobs, min(counted.run_at) AS oldest FROM (
            SELECT j.run_at FROM jobs j WHERE j.queue = known.queue AND j.state = 'available'
            ORDER BY j.priority, j.id LIMIT 10001) AS counted) AS available
    -- Where the count ends before them, those of the lowest priority have waited longest.
    LEFT JOIN LATERAL (
        SELECT (SELECT j.run_at FROM jobs j
            WHERE j.queue = known.queue AND j.state = 'available' AND j.priority = last.priority
            ORDER BY j.id LIMIT 1) AS oldest
        FROM (SELECT j.priority FROM jobs j WHERE j.queue = known.queue AND j.state = 'available'
            ORDER BY j.priority DESC LIMIT 1) AS last) AS lowest ON true
    CROSS JOIN LATERAL (
        SELECT count(*) AS jobs, min(counted.run_at) AS next_due_at FROM (
            SELECT j.run_at FROM jobs j WHERE j.queue = known.queue AND j.state = 'scheduled'
            ORDER BY j.run_at LIMIT 10001) AS counted) AS scheduled
    CROSS JOIN LATERAL (
        SELECT count(*) AS jobs FROM (
            SELECT FROM jobs j WHERE j.queue = known.queue AND j.state = 'blocked'
            ORDER BY j.id LIMIT 10001) AS counted) AS blocked
    CROSS JOIN LATERAL (
        SELECT count(*) AS jobs FROM (
            SELECT FROM jobs j WHERE j.queue = known.queue AND j.state = 'waiting'
            ORDER BY j.id LIMIT 10001) AS counted) AS waiting
    CROSS JOIN LATERAL (
        SELECT count(*) AS jobs FROM (
            SELECT FROM lane l CROSS JOIN LATERAL (
                SELECT FROM jobs j WHERE j.lane = l.id AND j.state = 'limited'
                ORDER BY j.priority, j.id LIMIT 10001) AS waiting
            WHERE l.queue = known.queue LIMIT 10001) AS counted) AS limited
    ORDER BY known.queue
$$;
COMMENT ON FUNCTION queue_counts IS
    'Queues and what waits and runs in each, counted to 10,000 a state; more names the states of which there are more. '
    'oldest_wait_seconds is exact as long as available is; then it is that of the first 10,000 and of the last in line.';
