CREATE OR REPLACE FUNCTION claim_jobs(by_worker bigint, of_queue text, known_kinds text[], at_most integer)
RETURNS SETOF claimed_job LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off SET enable_hashjoin = off
SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan SET jit = off AS $$
DECLARE
    taken integer;
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    -- A worker that was declared dead gets nothing, neither does anyone of a paused queue.
    IF NOT EXISTS (SELECT FROM workers w WHERE w.id = by_worker)
        OR EXISTS (SELECT FROM queues q WHERE q.name = of_queue AND q.paused_at IS NOT NULL) THEN RETURN; END IF;
    IF EXISTS (SELECT FROM job_lanes l WHERE l.queue = of_queue)
        AND EXISTS (SELECT FROM jobs j WHERE j.state = 'limited') THEN
        RETURN QUERY SELECT * FROM claim_limited_jobs(by_worker, of_queue, known_kinds, at_most);
        GET DIAGNOSTICS taken = ROW_COUNT;
        at_most := at_most - taken;
        IF at_most <= 0 THEN RETURN; END IF;
    END IF;
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
        NULL::text, NULL::text, j.options::text;
END $$;

DROP FUNCTION claim_jobs(bigint, text, text[], integer, integer, bigint);
ALTER FUNCTION settle_jobs(bigint, bigint[], integer[], text[], text[], text[], double precision[], boolean)
RESET plan_cache_mode;
ALTER FUNCTION release_job_keys(text[]) RESET plan_cache_mode;
DROP FUNCTION job_results(bigint[]);
