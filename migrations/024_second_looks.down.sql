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

DROP FUNCTION lock_orphans;

CREATE OR REPLACE FUNCTION release_forgotten_calls(at_most integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    forgotten text[] := ARRAY(
        SELECT DISTINCT s.holder FROM job_slots s
        LEFT JOIN calls c ON c.id = CASE WHEN s.holder ~ '^call:[0-9]{1,18}$' THEN substr(s.holder, 6)::bigint END
        WHERE s.holder LIKE 'call:%' AND (c.id IS NULL OR c.status IN ('ended', 'uncertain')
            OR c.status = 'queued' AND NOT EXISTS (
                SELECT FROM jobs j WHERE j.holder = s.holder AND j.state IN ('running', 'available')))
        LIMIT at_most);
BEGIN
    PERFORM release_slots(forgotten);
    RETURN cardinality(forgotten);
END $$;

DROP FUNCTION forgotten_calls;
