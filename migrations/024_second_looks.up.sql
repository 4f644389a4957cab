-- What a look finds may have changed before it is locked: another gives the job back, and a worker that the look does not know
-- claims it. So each is looked at again once it is locked.

-- The running jobs of no living worker, locked: those that come back, or those of the known kinds that are to be ended.
CREATE FUNCTION lock_orphans(coming_back boolean, known_kinds text[], at_most integer) RETURNS bigint[] LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    ids bigint[];
BEGIN
    ids := ARRAY(
        SELECT j.id FROM worker_gaps() AS gap
        JOIN jobs j ON j.state = 'running' AND j.worker > gap.after_worker AND j.worker < gap.before_worker
        WHERE (j.rescues < 2 AND j.attempt < j.max_attempts AND NOT j.cancel_requested
                -- Never started: it was being ended as too late, whatever it waited for.
                AND j.attempt > 0) = coming_back
            AND (coming_back OR j.kind = ANY (known_kinds))
        LIMIT at_most FOR UPDATE OF j SKIP LOCKED);
    RETURN ARRAY(SELECT j.id FROM jobs j
        WHERE j.id = ANY (ids) AND NOT EXISTS (SELECT FROM workers w WHERE w.id = j.worker));
END $$;

CREATE OR REPLACE FUNCTION rescue_jobs(at_most integer, OUT rescued integer, OUT queues text[]) LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    ids bigint[] := lock_orphans(true, NULL, at_most);
BEGIN
    WITH again AS (
        UPDATE jobs j SET state = CASE WHEN j.rescues > 0 THEN 'scheduled' WHEN j.lane IS NULL OR j.holder IS NULL THEN 'available'
                ELSE ready_state(j.lane, j.holder, j.id) END, worker = NULL,
            rescues = j.rescues + 1, run_at = clock_timestamp() + j.rescues * random() * interval '5 s',
            start_by = NULL, woken = false, error = 'its worker was lost'
        WHERE j.id = ANY (ids)
        RETURNING j.queue, j.state
    )
    SELECT count(*), coalesce(array_agg(DISTINCT queue) FILTER (WHERE state <> 'scheduled'), '{}') INTO rescued, queues
    FROM again;
END $$;

CREATE OR REPLACE FUNCTION adopt_jobs(by_worker bigint, known_kinds text[], at_most integer) RETURNS SETOF claimed_job
LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    ids bigint[];
BEGIN
    IF NOT EXISTS (SELECT FROM workers w WHERE w.id = by_worker) THEN RETURN; END IF;
    ids := lock_orphans(false, known_kinds, at_most);
    RETURN QUERY
    WITH doomed AS MATERIALIZED (
        SELECT j.id, CASE WHEN j.cancel_requested THEN 'cancelled' WHEN j.attempt = 0 THEN 'expired' ELSE 'failed' END AS ending,
            CASE WHEN j.cancel_requested THEN 'its worker was lost after its cancellation was asked for'
                WHEN j.attempt = 0 THEN 'it did not start in time'
                WHEN j.rescues >= 2 THEN 'its worker was lost three times in a row'
                ELSE 'its worker was lost in the last attempt' END AS reason
        FROM jobs j WHERE j.id = ANY (ids)
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

-- Slots of holders call:… that stand for nothing, among these holders or all.
CREATE FUNCTION forgotten_calls(among text[], at_most integer) RETURNS TABLE (holder text, call_id bigint) LANGUAGE sql
STABLE AS $$
    SELECT DISTINCT s.holder, c.id FROM job_slots s
    LEFT JOIN calls c ON c.id = CASE WHEN s.holder ~ '^call:[0-9]{1,18}$' THEN substr(s.holder, 6)::bigint END
    WHERE s.holder LIKE 'call:%' AND (among IS NULL OR s.holder = ANY (among))
        AND (c.id IS NULL OR c.status IN ('ended', 'uncertain')
            OR c.status = 'queued' AND NOT EXISTS (
                SELECT FROM jobs j WHERE j.holder = s.holder AND j.state IN ('running', 'available')))
    LIMIT at_most
$$;

CREATE OR REPLACE FUNCTION release_forgotten_calls(at_most integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    holders text[];
    ids bigint[];
BEGIN
    SELECT array_agg(f.holder), array_agg(f.call_id) INTO holders, ids FROM forgotten_calls(NULL, at_most) AS f;
    IF holders IS NULL THEN RETURN 0; END IF;
    -- begin_dial locks the call before it looks for the slots: it has dialled, is left alone, or finds that there are none.
    ids := ARRAY(SELECT c.id FROM calls c WHERE c.id = ANY (ids) FOR NO KEY UPDATE SKIP LOCKED);
    holders := ARRAY(
        SELECT f.holder FROM forgotten_calls(holders, at_most) AS f WHERE f.call_id IS NULL OR f.call_id = ANY (ids));
    PERFORM release_slots(holders);
    RETURN cardinality(holders);
END $$;
