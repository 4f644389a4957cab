-- How awaited jobs ended, and plans that are made once.

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
