-- The same answers by cheaper plans.

-- Of those of `ids` that have ended or are not there (`lost`): one row each. What is found is on the disk when the caller's
-- transaction has committed. The end's own commit may not have waited for that, so this one does: it has something to write,
-- once, however many were found. Each is found by its index, whatever the planner knows of a table that was just made.
CREATE FUNCTION job_results(ids bigint[]) RETURNS TABLE (id bigint, state text, unique_key text, result jsonb, error text)
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT f.id, f.state::text, f.unique_key, f.result, f.error
    FROM unnest(ids) AS asked (id) JOIN finished_jobs f ON f.id = asked.id
    UNION ALL
    SELECT asked.id, 'lost', NULL, NULL, NULL FROM unnest(ids) AS asked (id)
    WHERE NOT EXISTS (SELECT FROM jobs j WHERE j.id = asked.id)
        AND NOT EXISTS (SELECT FROM finished_jobs f WHERE f.id = asked.id);
    IF FOUND THEN PERFORM pg_logical_emit_message(true, 'operadora', ''); END IF;
END $$;

-- With an array among its parameters a statement is planned anew each time, because one element costs less than the ten
-- that a generic plan assumes. Planning costs a multiple of what these do, and the plan is the same.
ALTER FUNCTION release_job_keys(text[]) SET plan_cache_mode = force_generic_plan;
ALTER FUNCTION settle_jobs(bigint, bigint[], integer[], text[], text[], text[], double precision[], boolean)
SET plan_cache_mode = force_generic_plan;

-- Takes up to `at_most` jobs of one queue, of the kinds that the worker knows, as claim_jobs with four arguments does, but
-- looks only behind one place in the queue's order. `priority` is NULL for jobs of a lane, which have an order of their own. In no order.
--
-- The jobs are changed where they were found (ctid), which costs half of finding each anew by its id, and does not make
-- claims wait for each other. They are locked, so they stay there. One that was claimed and given back since the
-- statement began is elsewhere: it is left for the next claim.
CREATE FUNCTION claim_jobs(
    by_worker bigint, of_queue text, known_kinds text[], at_most integer, after_priority integer, after_id bigint
) RETURNS TABLE (
    id bigint, claims integer, attempt integer, max_attempts integer, keyed boolean, awaited boolean,
    enqueued_at timestamptz, waited double precision, kind text, queue text, arguments text, ending text, error text,
    options text, priority integer
) LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off SET enable_hashjoin = off
SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan SET jit = off AS $$
#variable_conflict use_column
DECLARE
    -- Assigned, which costs a part of a statement.
    commit_mode text := set_config('synchronous_commit', 'off', true);
    may_claim boolean;
    has_limited boolean;
    taken integer;
BEGIN
    -- A worker that was declared dead gets nothing, neither does anyone of a paused queue.
    SELECT EXISTS (SELECT FROM workers w WHERE w.id = by_worker)
            AND NOT EXISTS (SELECT FROM queues q WHERE q.name = of_queue AND q.paused_at IS NOT NULL),
        EXISTS (SELECT FROM job_lanes l WHERE l.queue = of_queue) AND EXISTS (SELECT FROM jobs j WHERE j.state = 'limited')
    INTO may_claim, has_limited;
    IF NOT may_claim THEN RETURN; END IF;
    IF has_limited THEN
        RETURN QUERY SELECT c.*, NULL::integer FROM claim_limited_jobs(by_worker, of_queue, known_kinds, at_most) AS c;
        GET DIAGNOSTICS taken = ROW_COUNT;
        at_most := at_most - taken;
        IF at_most <= 0 THEN RETURN; END IF;
    END IF;
    RETURN QUERY
    UPDATE jobs j SET state = 'running', worker = by_worker, attempt = j.attempt + 1, claims = j.claims + 1,
        claimed_at = clock_timestamp(), woken = false
    -- An array: a subquery that ran again would lock more rows than the limit.
    WHERE j.ctid = ANY (ARRAY(
        SELECT n.ctid FROM jobs n
        WHERE n.queue = of_queue AND n.state = 'available' AND n.kind = ANY (known_kinds)
            AND (n.priority, n.id) > (after_priority, after_id)
            AND (n.start_by IS NULL OR n.start_by > clock_timestamp())
        ORDER BY n.priority, n.id LIMIT at_most
        FOR UPDATE SKIP LOCKED))
    RETURNING j.id, j.claims, j.attempt, j.max_attempts::integer, j.key IS NOT NULL, j.awaited, j.enqueued_at,
        date_part('epoch', j.claimed_at - j.run_at), j.kind::text, j.queue::text, j.arguments::text,
        NULL::text, NULL::text, j.options::text, j.priority::integer;
END $$;

-- From the front of the queue.
CREATE OR REPLACE FUNCTION claim_jobs(by_worker bigint, of_queue text, known_kinds text[], at_most integer)
RETURNS SETOF claimed_job LANGUAGE sql BEGIN ATOMIC
    SELECT id, claims, attempt, max_attempts, keyed, awaited, enqueued_at, waited, kind, queue, arguments, ending, error,
        options
    FROM claim_jobs(by_worker, of_queue, known_kinds, at_most, -1, 0);
END;
