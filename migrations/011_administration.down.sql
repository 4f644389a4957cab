DROP FUNCTION queue_counts;
DROP FUNCTION prune_progress;
DROP FUNCTION report_progress;
DROP VIEW job_progress;
DROP TABLE progress_reports;
DROP FUNCTION discard_failed;
DROP FUNCTION discard_job;
DROP FUNCTION retry_failed;
DROP FUNCTION lock_dead_jobs;
DROP FUNCTION retry_job;
DROP FUNCTION enqueue_again;

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
            RETURNING j.*
        ), waits AS (
            DELETE FROM job_dependencies d WHERE d.job_id IN (SELECT key::bigint FROM jsonb_object_keys(doomed) AS key)
        ), history AS (
            INSERT INTO finished_jobs (id, enqueued_at, run_at, state, priority, attempt, max_attempts, rescues, kind, queue,
                unique_key, error, arguments, batch)
            SELECT id, enqueued_at, run_at, 'cancelled', priority, attempt, max_attempts, rescues, kind, queue, unique_key,
                doomed ->> id::text, arguments, batch FROM gone
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
            CASE WHEN mine.outcome IN ('retry', 'snooze', 'release') THEN 'cancelled' ELSE mine.outcome END::job_state AS ending
    ), history AS (
        INSERT INTO finished_jobs (id, enqueued_at, run_at, claimed_at, worker, state, priority, attempt, max_attempts,
            rescues, kind, queue, key, unique_key, error, arguments, result, batch)
        SELECT id, enqueued_at, run_at, claimed_at, worker, ending, priority, attempt, max_attempts, rescues, kind, queue, key, unique_key,
            CASE WHEN outcome <> 'completed' THEN coalesce(last_error, error) END, arguments, result, batch
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
        kind, queue, key, unique_key, error, arguments, batch)
    VALUES (job.id, job.enqueued_at, job.run_at, job.claimed_at, 'cancelled', job.priority, job.attempt,
        job.max_attempts, job.rescues, job.kind, job.queue, job.key, job.unique_key, job.error, job.arguments, job.batch);
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

DROP FUNCTION kept_options;
DROP VIEW dead_jobs;
DROP INDEX jobs_held_up;
DROP INDEX finished_jobs_retried;
DROP INDEX finished_jobs_dead;
ALTER TABLE finished_jobs DROP retried_as, DROP discarded_at, DROP options;
