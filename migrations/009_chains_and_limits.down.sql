DO $$
BEGIN
    IF EXISTS (SELECT FROM jobs WHERE state IN ('waiting', 'limited')) THEN
        RAISE EXCEPTION 'jobs wait for the ends of others or for limits, which the schema before this one does not know'
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Let them end, or cancel them (cancel_job), first.';
    END IF;
END $$;

DROP VIEW report_jobs;
CREATE VIEW report_jobs AS
SELECT coalesce(alive.kind, ended.kind) AS kind, coalesce(alive.queue, ended.queue) AS queue,
    coalesce(available, 0) AS available, coalesce(scheduled, 0) AS scheduled, coalesce(blocked, 0) AS blocked,
    coalesce(running, 0) AS running, oldest_wait_seconds,
    coalesce(completed, 0) AS completed, coalesce(failed, 0) AS failed, coalesce(cancelled, 0) AS cancelled,
    coalesce(expired, 0) AS expired, p50_wait_ms, p99_wait_ms, p50_run_ms, p99_run_ms
FROM (
    SELECT kind, queue, count(*) FILTER (WHERE state = 'available') AS available,
        count(*) FILTER (WHERE state = 'scheduled') AS scheduled, count(*) FILTER (WHERE state = 'blocked') AS blocked,
        count(*) FILTER (WHERE state = 'running') AS running,
        extract(epoch FROM now() - min(run_at) FILTER (WHERE state = 'available'))::double precision
            AS oldest_wait_seconds
    FROM jobs GROUP BY kind, queue) AS alive
FULL JOIN (
    SELECT kind, queue, count(*) FILTER (WHERE state = 'completed') AS completed,
        count(*) FILTER (WHERE state = 'failed') AS failed, count(*) FILTER (WHERE state = 'cancelled') AS cancelled,
        count(*) FILTER (WHERE state = 'expired') AS expired,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM claimed_at - run_at) * 1000) AS p50_wait_ms,
        percentile_cont(0.99) WITHIN GROUP (ORDER BY extract(epoch FROM claimed_at - run_at) * 1000) AS p99_wait_ms,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM finished_at - claimed_at) * 1000) AS p50_run_ms,
        percentile_cont(0.99) WITHIN GROUP (ORDER BY extract(epoch FROM finished_at - claimed_at) * 1000) AS p99_run_ms
    FROM finished_jobs WHERE finished_at > now() - interval '1 day' GROUP BY kind, queue) AS ended
USING (kind, queue);
COMMENT ON VIEW report_jobs IS
    'Jobs by kind and queue: what waits and runs now, and how those of the last 24 hours ended, waited and ran.';

DROP FUNCTION batch_results, close_batch, create_batch, enqueue_job, insert_job, join_batch, follow_jobs, check_retry, set_limit,
    lane_of, release_slots(text);
DROP PROCEDURE enqueue_job_now;

CREATE FUNCTION insert_job(
    kind text, arguments jsonb, queue text, priority integer, run_at timestamptz, max_attempts integer, key text,
    unique_key text, start_within interval, awaited boolean, OUT id bigint, OUT due boolean
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    current timestamptz := clock_timestamp();
    first_run timestamptz := greatest(insert_job.run_at, current);
    job_state job_state := CASE WHEN insert_job.run_at > current THEN 'scheduled' ELSE 'available' END;
BEGIN
    due := false;
    IF start_within < interval '0' THEN
        RAISE EXCEPTION 'start_within is negative' USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Give the time after run_at within which the job must start.';
    END IF;
    -- The common repeat is found here without touching its key.
    IF unique_key IS NOT NULL THEN
        id := find_job(unique_key);
        IF id IS NOT NULL THEN RETURN; END IF;
    END IF;
    IF key IS NOT NULL AND NOT lock_job_key(key) THEN job_state := 'blocked'; END IF;
    LOOP
        INSERT INTO jobs (kind, arguments, queue, priority, enqueued_at, run_at, max_attempts, key, unique_key,
            start_by, awaited, state)
        VALUES (kind, arguments, queue, priority, current, first_run, max_attempts, key, unique_key,
            first_run + start_within, awaited, job_state)
        ON CONFLICT (unique_key) WHERE unique_key IS NOT NULL DO NOTHING
        RETURNING jobs.id INTO id;
        IF FOUND THEN
            due := job_state = 'available';
            RETURN;
        END IF;
        id := find_job(unique_key);
        EXIT WHEN id IS NOT NULL;
        -- It ended between the two statements: the name is free again.
    END LOOP;
    IF job_state <> 'blocked' AND key IS NOT NULL THEN
        DELETE FROM job_keys k WHERE k.key = insert_job.key AND k.enqueued = 1;
    END IF;
END $$;

CREATE FUNCTION enqueue_job(
    kind text, arguments jsonb DEFAULT '{}', queue text DEFAULT 'default', priority integer DEFAULT 100,
    run_at timestamptz DEFAULT NULL, max_attempts integer DEFAULT 10, key text DEFAULT NULL,
    unique_key text DEFAULT NULL, start_within interval DEFAULT NULL, awaited boolean DEFAULT false
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    job record;
BEGIN
    job := insert_job(kind, arguments, queue, priority, run_at, max_attempts, key, unique_key, start_within, awaited);
    -- The server sends one notification per queue and transaction, however many jobs it enqueues.
    IF job.due THEN PERFORM pg_notify('operadora_jobs', queue); END IF;
    RETURN job.id;
END $$;
COMMENT ON FUNCTION enqueue_job IS
    'Enqueues a job that exists exactly if the transaction commits. Returns its id, or the id that has its unique key.';

CREATE PROCEDURE enqueue_job_now(
    kind text, arguments jsonb, queue text, priority integer, run_at timestamptz, max_attempts integer, key text,
    unique_key text, start_within interval, awaited boolean, INOUT id bigint
) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    id := enqueue_job(kind, arguments, queue, priority, run_at, max_attempts, key, unique_key, start_within, awaited);
    COMMIT;
    -- Something to write, whose commit waits for the disk as the session is set to.
    PERFORM pg_logical_emit_message(true, 'operadora', '');
END $$;

CREATE OR REPLACE FUNCTION complete_jobs(by_worker bigint, ids bigint[], fences integer[]) RETURNS bigint[] LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    ended bigint[];
BEGIN
    WITH ended AS (
        DELETE FROM jobs j USING unnest(ids, fences) AS mine (id, fence)
        WHERE j.id = mine.id AND j.claims = mine.fence AND j.worker IS NOT DISTINCT FROM by_worker
            AND j.key IS NULL
        RETURNING j.*
    ), history AS (
        INSERT INTO finished_jobs (id, enqueued_at, run_at, claimed_at, worker, state, priority, attempt, max_attempts,
            rescues, kind, queue, unique_key, arguments)
        SELECT id, enqueued_at, run_at, claimed_at, worker, 'completed', priority, attempt, max_attempts,
            rescues, kind, queue, unique_key, arguments
        FROM ended
        RETURNING id
    )
    SELECT array_agg(id) INTO ended FROM history;
    IF cardinality(ended) = cardinality(ids) THEN RETURN '{}'; END IF;
    RETURN ARRAY(SELECT unnest(ids) EXCEPT SELECT unnest(ended));
END $$;

CREATE OR REPLACE FUNCTION complete_job(
    by_worker bigint, job_id bigint, fence integer, is_keyed boolean, job_result jsonb, at_once boolean
) RETURNS text[] LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    job jobs;
    job_key text;
    woken_queues text[] := '{}';
BEGIN
    -- The key first, then the job: the order of all.
    IF is_keyed THEN
        SELECT j.key INTO job_key FROM jobs j WHERE j.id = job_id;
        PERFORM FROM job_keys k WHERE k.key = job_key FOR UPDATE;
    END IF;
    DELETE FROM jobs j WHERE j.id = job_id AND j.claims = fence AND j.worker IS NOT DISTINCT FROM by_worker
    RETURNING * INTO job;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'job % is no longer leased to worker %', job_id, by_worker USING ERRCODE = 'OPJ01';
    END IF;
    INSERT INTO finished_jobs (id, enqueued_at, run_at, claimed_at, worker, state, priority, attempt, max_attempts,
        rescues, kind, queue, key, unique_key, arguments, result)
    VALUES (job.id, job.enqueued_at, job.run_at, job.claimed_at, job.worker, 'completed', job.priority, job.attempt,
        job.max_attempts, job.rescues, job.kind, job.queue, job.key, job.unique_key, job.arguments, job_result);
    IF is_keyed THEN woken_queues := coalesce(release_job_keys(ARRAY[job_key]), '{}'); END IF;
    IF at_once THEN
        PERFORM pg_notify('operadora_jobs', woken) FROM unnest(woken_queues) AS woken;
        IF job.awaited THEN PERFORM pg_notify('operadora_results', job_id::text); END IF;
    END IF;
    RETURN woken_queues;
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
        RETURNING j.*, mine.outcome, nullif(mine.result, '')::jsonb AS result, nullif(mine.error, '') AS last_error
    ), history AS (
        INSERT INTO finished_jobs (id, enqueued_at, run_at, claimed_at, worker, state, priority, attempt, max_attempts,
            rescues, kind, queue, key, unique_key, error, arguments, result)
        SELECT id, enqueued_at, run_at, claimed_at, worker,
            CASE WHEN outcome IN ('retry', 'snooze', 'release') THEN 'cancelled' ELSE outcome END::job_state,
            priority, attempt, max_attempts, rescues, kind, queue, key, unique_key,
            CASE WHEN outcome <> 'completed' THEN coalesce(last_error, error) END, arguments, result
        FROM ended
        RETURNING id, key
    ), again AS (
        UPDATE jobs j SET
            worker = NULL,
            state = CASE WHEN mine.delay > 0 AND NOT j.woken THEN 'scheduled' ELSE 'available' END::job_state,
            run_at = CASE WHEN j.woken THEN clock_timestamp() ELSE clock_timestamp() + mine.delay * interval '1 s' END,
            attempt = j.attempt - CASE WHEN mine.outcome = 'retry' THEN 0 ELSE 1 END,
            rescues = CASE WHEN mine.outcome = 'release' THEN j.rescues ELSE 0 END,
            start_by = CASE WHEN mine.outcome = 'release' THEN j.start_by END,
            error = coalesce(nullif(mine.error, ''), j.error),
            woken = false
        FROM mine
        WHERE j.id = mine.id AND j.claims = mine.fence AND j.worker IS NOT DISTINCT FROM by_worker
            AND mine.outcome IN ('retry', 'snooze', 'release') AND NOT j.cancel_requested
        RETURNING j.id, j.queue, j.state
    )
    SELECT array_agg(id), array_agg(DISTINCT key) FILTER (WHERE key IS NOT NULL),
        array_agg(DISTINCT queue) FILTER (WHERE queue IS NOT NULL)
    INTO done, ended_keys, queues
    FROM (SELECT id, key, NULL AS queue FROM history
        UNION ALL SELECT id, NULL, CASE WHEN state = 'available' THEN queue END FROM again) AS settled;

    IF ended_keys IS NOT NULL THEN queues := queues || release_job_keys(ended_keys); END IF;
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
        kind, queue, key, unique_key, error, arguments)
    VALUES (job.id, job.enqueued_at, job.run_at, job.claimed_at, 'cancelled', job.priority, job.attempt,
        job.max_attempts, job.rescues, job.kind, job.queue, job.key, job.unique_key, job.error, job.arguments);
    IF job.key IS NOT NULL THEN
        FOREACH woken_queue IN ARRAY coalesce(release_job_keys(ARRAY[job.key]), '{}') LOOP
            PERFORM pg_notify('operadora_jobs', woken_queue);
        END LOOP;
    END IF;
    IF job.awaited THEN PERFORM pg_notify('operadora_results', job_id::text); END IF;
    RETURN true;
END $$;

CREATE OR REPLACE FUNCTION maintain_history(retention interval, OUT created integer, OUT dropped integer) LANGUAGE plpgsql
SET lock_timeout = '2s' SET timezone = 'UTC' AS $$
DECLARE
    day date;
    partition text;
BEGIN
    created := 0;
    dropped := 0;
    IF NOT pg_try_advisory_xact_lock(hashtextextended('operadora: maintain_history', 0)) THEN RETURN; END IF;
    FOR ahead IN 0..3 LOOP
        day := current_date + ahead;
        partition := 'finished_jobs_' || to_char(day, 'YYYYMMDD');
        -- A day of which the default partition holds rows stays there: PostgreSQL would refuse its partition.
        CONTINUE WHEN to_regclass(partition) IS NOT NULL
            OR EXISTS (SELECT FROM finished_jobs_default WHERE finished_at >= day AND finished_at < day + 1);
        EXECUTE format('CREATE TABLE %I (LIKE finished_jobs INCLUDING DEFAULTS)', partition);
        -- Attached rather than created in place: that locks out nobody who writes or reads other partitions.
        EXECUTE format('ALTER TABLE finished_jobs ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
            partition, day::timestamptz, (day + 1)::timestamptz);
        created := created + 1;
    END LOOP;
    FOR partition, day IN
        SELECT c.relname, to_date(right(c.relname, 8), 'YYYYMMDD')
        FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'finished_jobs'::regclass AND c.relname ~ '^finished_jobs_[0-9]{8}$'
    LOOP
        CONTINUE WHEN day + 1 > now() - retention;
        EXECUTE format('DROP TABLE %I', partition);
        dropped := dropped + 1;
    END LOOP;
    DELETE FROM finished_jobs_default WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM finished_jobs_default WHERE finished_at < now() - retention LIMIT 10000));
    DELETE FROM schedule_ticks t WHERE t.tick < now() - interval '30 days'
        AND EXISTS (SELECT FROM schedule_ticks newer WHERE newer.schedule = t.schedule AND newer.tick > t.tick);
END $$;

CREATE OR REPLACE FUNCTION release_job_keys(ended_keys text[]) RETURNS text[] LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    woken_queues text[];
BEGIN
    DELETE FROM job_keys k WHERE k.key = ANY (ended_keys)
        AND NOT EXISTS (SELECT FROM jobs j WHERE j.key = k.key);
    WITH head AS MATERIALIZED (
        SELECT head.id FROM (SELECT DISTINCT unnest(ended_keys) AS key) AS ended
        CROSS JOIN LATERAL (SELECT j.id, j.state FROM jobs j WHERE j.key = ended.key ORDER BY j.id LIMIT 1) AS head
        WHERE head.state = 'blocked'
    ), promoted AS (
        UPDATE jobs j SET
            state = CASE WHEN j.run_at <= clock_timestamp() THEN 'available' ELSE 'scheduled' END::job_state
        FROM head WHERE j.id = head.id AND j.state = 'blocked'
        RETURNING j.queue, j.state
    )
    SELECT array_agg(DISTINCT queue) INTO woken_queues FROM promoted WHERE state = 'available';
    RETURN woken_queues;
END $$;

CREATE OR REPLACE FUNCTION wake_job(job_id bigint) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    job record;
BEGIN
    UPDATE jobs j SET
        state = CASE j.state WHEN 'scheduled' THEN 'available' ELSE j.state END,
        start_by = CASE j.state WHEN 'running' THEN j.start_by ELSE clock_timestamp() + (j.start_by - j.run_at) END,
        run_at = CASE j.state WHEN 'running' THEN j.run_at ELSE clock_timestamp() END,
        woken = j.state = 'running'
    WHERE j.id = job_id
        AND (j.state IN ('scheduled', 'running') OR j.state = 'blocked' AND j.run_at > clock_timestamp())
    RETURNING j.state, j.queue INTO job;
    IF NOT FOUND THEN RETURN false; END IF;
    IF job.state = 'available' THEN PERFORM pg_notify('operadora_jobs', job.queue); END IF;
    RETURN true;
END $$;

CREATE OR REPLACE FUNCTION promote_jobs(of_queues text[], at_most integer, OUT promoted integer, OUT next_due double precision)
LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
    WITH due AS MATERIALIZED (
        SELECT due.id FROM unnest(of_queues) AS served (queue) CROSS JOIN LATERAL (
            SELECT j.id FROM jobs j
            WHERE j.queue = served.queue AND j.state = 'scheduled' AND j.run_at <= clock_timestamp()
            ORDER BY j.run_at LIMIT at_most FOR UPDATE SKIP LOCKED) AS due
    )
    UPDATE jobs j SET state = 'available' FROM due WHERE j.id = due.id AND j.state = 'scheduled';
    GET DIAGNOSTICS promoted = ROW_COUNT;
    SELECT extract(epoch FROM min(next.run_at) - clock_timestamp()) INTO next_due
    FROM unnest(of_queues) AS served (queue) CROSS JOIN LATERAL (
        SELECT j.run_at FROM jobs j WHERE j.queue = served.queue AND j.state = 'scheduled'
        ORDER BY j.run_at LIMIT 1) AS next;
END $$;

DROP FUNCTION follow_ends, start_waiting, release_slots(text[]), wake_lanes, ready_state;

CREATE OR REPLACE FUNCTION claim_jobs(by_worker bigint, of_queue text, known_kinds text[], at_most integer)
RETURNS SETOF claimed_job LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off SET enable_hashjoin = off
SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    -- A worker that was declared dead gets nothing, neither does anyone of a paused queue.
    IF NOT EXISTS (SELECT FROM workers w WHERE w.id = by_worker)
        OR EXISTS (SELECT FROM queues q WHERE q.name = of_queue AND q.paused_at IS NOT NULL) THEN RETURN; END IF;
    RETURN QUERY
    -- Materialized: a join that ran the inner part again would lock more rows than the limit.
    WITH next AS MATERIALIZED (
        SELECT j.id FROM jobs j
        WHERE j.queue = of_queue AND j.state = 'available' AND j.kind = ANY (known_kinds)
            AND (j.start_by IS NULL OR j.start_by > clock_timestamp())
        ORDER BY j.priority, j.id LIMIT at_most
        FOR UPDATE SKIP LOCKED
    )
    UPDATE jobs j SET state = 'running', worker = by_worker, attempt = j.attempt + 1, claims = j.claims + 1,
        claimed_at = clock_timestamp(), woken = false
    FROM next WHERE j.id = next.id
    RETURNING j.id, j.claims, j.attempt, j.max_attempts::integer, j.key IS NOT NULL, j.awaited, j.enqueued_at,
        extract(epoch FROM j.claimed_at - j.run_at)::double precision, j.kind::text, j.queue::text, j.arguments::text,
        NULL::text, NULL::text;
END $$;

CREATE OR REPLACE FUNCTION adopt_jobs(by_worker bigint, known_kinds text[], at_most integer) RETURNS SETOF claimed_job
LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM workers w WHERE w.id = by_worker) THEN RETURN; END IF;
    RETURN QUERY
    WITH doomed AS MATERIALIZED (
        SELECT j.id, CASE WHEN j.cancel_requested THEN 'cancelled' ELSE 'failed' END AS ending,
            CASE WHEN j.cancel_requested THEN 'its worker was lost after its cancellation was asked for'
                WHEN j.rescues >= 2 THEN 'its worker was lost three times in a row'
                ELSE 'its worker was lost in the last attempt' END AS reason
        FROM worker_gaps() AS gap
        JOIN jobs j ON j.state = 'running' AND j.worker > gap.after_worker AND j.worker < gap.before_worker
        WHERE (j.rescues >= 2 OR j.attempt >= j.max_attempts OR j.cancel_requested) AND j.kind = ANY (known_kinds)
        LIMIT at_most FOR UPDATE OF j SKIP LOCKED
    ), late AS MATERIALIZED (
        SELECT j.id, 'expired' AS ending, 'it did not start in time' AS reason FROM jobs j
        WHERE j.start_by <= clock_timestamp() AND j.state <> 'running' AND j.kind = ANY (known_kinds)
        ORDER BY j.start_by LIMIT at_most FOR UPDATE SKIP LOCKED
    )
    UPDATE jobs j SET state = 'running', worker = by_worker, claims = j.claims + 1,
        rescues = j.rescues + CASE WHEN adopted.ending = 'failed' THEN 1 ELSE 0 END
    FROM (SELECT * FROM doomed UNION ALL SELECT * FROM late) AS adopted
    WHERE j.id = adopted.id
    RETURNING j.id, j.claims, j.attempt, j.max_attempts::integer, j.key IS NOT NULL, j.awaited, j.enqueued_at,
        extract(epoch FROM clock_timestamp() - j.run_at)::double precision, j.kind::text, j.queue::text, j.arguments::text,
        adopted.ending, adopted.reason;
END $$;

CREATE OR REPLACE FUNCTION rescue_jobs(at_most integer, OUT rescued integer, OUT queues text[]) LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
    WITH orphan AS MATERIALIZED (
        SELECT j.id FROM worker_gaps() AS gap
        JOIN jobs j ON j.state = 'running' AND j.worker > gap.after_worker AND j.worker < gap.before_worker
        WHERE j.rescues < 2 AND j.attempt < j.max_attempts AND NOT j.cancel_requested
        LIMIT at_most FOR UPDATE OF j SKIP LOCKED
    ), again AS (
        UPDATE jobs j SET state = CASE j.rescues WHEN 0 THEN 'available' ELSE 'scheduled' END::job_state, worker = NULL,
            rescues = j.rescues + 1, run_at = clock_timestamp() + j.rescues * random() * interval '5 s',
            start_by = NULL, woken = false, error = 'its worker was lost'
        FROM orphan WHERE j.id = orphan.id
        RETURNING j.queue, j.state
    )
    SELECT count(*), coalesce(array_agg(DISTINCT queue) FILTER (WHERE state = 'available'), '{}') INTO rescued, queues
    FROM again;
END $$;

CREATE OR REPLACE FUNCTION release_unheld_jobs(by_worker bigint, held bigint[], claimed_before interval) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    released integer;
BEGIN
    UPDATE jobs SET state = 'available', worker = NULL, attempt = attempt - 1
    WHERE id IN (SELECT j.id FROM jobs j WHERE j.worker = by_worker AND j.state = 'running' AND j.id <> ALL (held)
        AND j.claimed_at < clock_timestamp() - claimed_before FOR UPDATE SKIP LOCKED);
    GET DIAGNOSTICS released = ROW_COUNT;
    RETURN released;
END $$;

DROP FUNCTION claim_limited_jobs, waiting_lanes, limit_tokens;
ALTER TYPE claimed_job DROP ATTRIBUTE options;

DROP TABLE unique_periods, job_batches, job_dependencies, job_slots, job_lanes, job_limits;
ALTER TABLE finished_jobs DROP COLUMN batch;
ALTER TABLE jobs DROP CONSTRAINT job_is_not_finished;
ALTER TABLE jobs DROP COLUMN batch, DROP COLUMN has_followers, DROP COLUMN options, DROP COLUMN lane, DROP COLUMN holder,
    ADD CONSTRAINT job_is_not_finished CHECK (state IN ('available', 'scheduled', 'blocked', 'running'));
COMMENT ON COLUMN jobs.state IS
    'available: may be claimed; scheduled: not before run_at; blocked: behind another job of its key; running.';
