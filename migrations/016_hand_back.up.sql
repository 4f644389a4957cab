-- A job with limits starts only with a slot and a token of each, also when it comes back, when its holder lets go of its slots
-- at that moment, or when its holder has some of them already. And what was to be cancelled, or has lost three workers, does not
-- come back, whatever answer is lost.

-- As before, and what it finds held is held until the caller's transaction ends: release_slots waits for that, and then sees
-- the job. Slots that are just being let go do not count, and nobody is waited for.
CREATE OR REPLACE FUNCTION ready_state(job_lane bigint, job_holder text, job_id bigint) RETURNS job_state LANGUAGE plpgsql
VOLATILE SET enable_seqscan = off AS $$
DECLARE
    needed text[] := ARRAY(SELECT m.name FROM job_lanes l
        JOIN job_limits m ON m.name = ANY (l.limits) AND m.slots IS NOT NULL WHERE l.id = job_lane);
    held text[] := ARRAY(SELECT s.limit_name FROM job_slots s
        WHERE s.holder = coalesce(job_holder, 'job:' || job_id) AND s.limit_name = ANY (needed) FOR KEY SHARE SKIP LOCKED);
BEGIN
    RETURN CASE WHEN cardinality(needed) > 0 AND cardinality(held) = cardinality(needed) THEN 'available' ELSE 'limited' END;
END $$;

CREATE OR REPLACE FUNCTION settle_jobs(
    by_worker bigint, ids bigint[], fences integer[], outcomes text[], results text[], errors text[],
    delays double precision[], wait boolean, OUT stale bigint[], OUT busy bigint[], OUT queues text[]
) LANGUAGE plpgsql SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET plan_cache_mode = force_generic_plan AS $$
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
                WHEN j.lane IS NULL OR mine.outcome = 'release' AND j.holder IS NULL THEN 'available'
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

CREATE OR REPLACE FUNCTION rescue_jobs(at_most integer, OUT rescued integer, OUT queues text[]) LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
    WITH orphan AS MATERIALIZED (
        SELECT j.id FROM worker_gaps() AS gap
        JOIN jobs j ON j.state = 'running' AND j.worker > gap.after_worker AND j.worker < gap.before_worker
        WHERE j.rescues < 2 AND j.attempt < j.max_attempts AND NOT j.cancel_requested
            -- Never started: it was being ended as too late, whatever it waited for.
            AND j.attempt > 0
        LIMIT at_most FOR UPDATE OF j SKIP LOCKED
    ), again AS (
        UPDATE jobs j SET state = CASE WHEN j.rescues > 0 THEN 'scheduled' WHEN j.lane IS NULL OR j.holder IS NULL THEN 'available'
                ELSE ready_state(j.lane, j.holder, j.id) END, worker = NULL,
            rescues = j.rescues + 1, run_at = clock_timestamp() + j.rescues * random() * interval '5 s',
            start_by = NULL, woken = false, error = 'its worker was lost'
        FROM orphan WHERE j.id = orphan.id
        RETURNING j.queue, j.state
    )
    SELECT count(*), coalesce(array_agg(DISTINCT queue) FILTER (WHERE state <> 'scheduled'), '{}') INTO rescued, queues
    FROM again;
END $$;

-- As before, but when it was claimed is when it was handed over: release_unheld_jobs leaves alone what is new.
CREATE OR REPLACE FUNCTION adopt_jobs(by_worker bigint, known_kinds text[], at_most integer) RETURNS SETOF claimed_job
LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM workers w WHERE w.id = by_worker) THEN RETURN; END IF;
    RETURN QUERY
    WITH doomed AS MATERIALIZED (
        SELECT j.id, CASE WHEN j.cancel_requested THEN 'cancelled' WHEN j.attempt = 0 THEN 'expired' ELSE 'failed' END AS ending,
            CASE WHEN j.cancel_requested THEN 'its worker was lost after its cancellation was asked for'
                WHEN j.attempt = 0 THEN 'it did not start in time'
                WHEN j.rescues >= 2 THEN 'its worker was lost three times in a row'
                ELSE 'its worker was lost in the last attempt' END AS reason
        FROM worker_gaps() AS gap
        JOIN jobs j ON j.state = 'running' AND j.worker > gap.after_worker AND j.worker < gap.before_worker
        WHERE (j.rescues >= 2 OR j.attempt >= j.max_attempts OR j.cancel_requested OR j.attempt = 0)
            AND j.kind = ANY (known_kinds)
        LIMIT at_most FOR UPDATE OF j SKIP LOCKED
    ), late AS MATERIALIZED (
        SELECT j.id, 'expired' AS ending, 'it did not start in time' AS reason FROM jobs j
        WHERE j.start_by <= clock_timestamp() AND j.state <> 'running' AND j.kind = ANY (known_kinds)
        ORDER BY j.start_by LIMIT at_most FOR UPDATE SKIP LOCKED
    )
    UPDATE jobs j SET state = 'running', worker = by_worker, claims = j.claims + 1,
        claimed_at = CASE WHEN j.attempt > 0 THEN clock_timestamp() ELSE j.claimed_at END,
        rescues = j.rescues + CASE WHEN adopted.ending = 'failed' THEN 1 ELSE 0 END
    FROM (SELECT * FROM doomed UNION ALL SELECT * FROM late) AS adopted
    WHERE j.id = adopted.id
    RETURNING j.id, j.claims, j.attempt, j.max_attempts::integer, j.key IS NOT NULL, j.awaited, j.enqueued_at,
        extract(epoch FROM clock_timestamp() - j.run_at)::double precision, j.kind::text, j.queue::text, j.arguments::text,
        adopted.ending, adopted.reason, j.options::text;
END $$;

-- As a hand-back by the worker itself: with its limits, and the end of what was to be cancelled. What was handed over to be
-- ended, after three lost workers or because it was late, is lost again, so that somebody ends it.
CREATE OR REPLACE FUNCTION release_unheld_jobs(by_worker bigint, held bigint[], claimed_before interval) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    ids bigint[];
    fences integer[];
    nothing text[];
BEGIN
    -- Not locked here: settle_jobs locks their keys first, and knows by the fences what has changed meanwhile.
    SELECT array_agg(j.id), array_agg(j.claims), array_agg(''::text) INTO ids, fences, nothing
    FROM jobs j WHERE j.worker = by_worker AND j.state = 'running' AND j.attempt > 0 AND j.rescues < 3
        AND j.id <> ALL (held) AND j.claimed_at < clock_timestamp() - claimed_before;
    IF ids IS NOT NULL THEN
        PERFORM settle_jobs(by_worker, ids, fences, array_fill('release'::text, ARRAY[cardinality(ids)]), nothing, nothing,
            array_fill(0::double precision, ARRAY[cardinality(ids)]), true);
    END IF;
    -- One that was too late has no time of a claim; were its answer only on the way, its end would find that it changes nothing.
    UPDATE jobs SET worker = nextval(pg_get_serial_sequence('workers', 'id'))
    WHERE id IN (SELECT j.id FROM jobs j WHERE j.worker = by_worker AND j.state = 'running' AND j.id <> ALL (held)
        AND (j.attempt = 0 OR j.rescues > 2 AND j.claimed_at < clock_timestamp() - claimed_before) FOR UPDATE SKIP LOCKED);
    RETURN coalesce(cardinality(ids), 0);
END $$;
