-- Limits that nobody uses can be dropped, jobs put off; a full lane costs a claim next to nothing.

-- As before, and nobody can drop a limit meanwhile.
CREATE OR REPLACE FUNCTION lane_of(of_queue text, names text[]) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    sorted text[] := ARRAY(SELECT DISTINCT name FROM unnest(names) AS name WHERE name IS NOT NULL ORDER BY name);
    missing text;
    found_id bigint;
BEGIN
    IF cardinality(sorted) NOT BETWEEN 1 AND 8 THEN
        RAISE EXCEPTION 'a job has 1 to 8 limits' USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Leave limits out for a job without any.';
    END IF;
    LOOP
        SELECT l.id INTO found_id FROM job_lanes l WHERE l.queue = of_queue AND l.limits = sorted FOR KEY SHARE;
        EXIT WHEN FOUND;
        -- Shared until the lane is there: drop_limit waits for that.
        PERFORM FROM job_limits l WHERE l.name = ANY (sorted) ORDER BY l.name FOR KEY SHARE;
        SELECT name INTO missing FROM unnest(sorted) AS name
        WHERE NOT EXISTS (SELECT FROM job_limits l WHERE l.name = name.name);
        IF missing IS NOT NULL THEN
            RAISE EXCEPTION 'there is no limit "%"', left(missing, 200) USING ERRCODE = 'foreign_key_violation',
                HINT = 'set_limit makes it.';
        END IF;
        INSERT INTO job_lanes (queue, limits) VALUES (of_queue, sorted) ON CONFLICT DO NOTHING;
    END LOOP;
    RETURN found_id;
END $$;

CREATE FUNCTION drop_limit(limit_name text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    lanes bigint[];
BEGIN
    -- Waits for those who enqueue with it just now.
    PERFORM FROM job_lanes l WHERE drop_limit.limit_name = ANY (l.limits) ORDER BY l.id FOR UPDATE;
    PERFORM FROM job_limits l WHERE l.name = drop_limit.limit_name FOR UPDATE;
    lanes := ARRAY(SELECT l.id FROM job_lanes l WHERE drop_limit.limit_name = ANY (l.limits));
    IF EXISTS (SELECT FROM job_slots s WHERE s.limit_name = drop_limit.limit_name)
        OR EXISTS (SELECT FROM jobs j WHERE j.lane = ANY (lanes)) THEN
        RETURN false;
    END IF;
    DELETE FROM job_lanes l WHERE l.id = ANY (lanes);
    DELETE FROM job_limits l WHERE l.name = drop_limit.limit_name;
    RETURN FOUND;
END $$;
COMMENT ON FUNCTION drop_limit IS
    'Forgets a limit that nobody uses. False while jobs need it or its slots are held, and when there is none.';

CREATE FUNCTION put_off_jobs(ids bigint[], until timestamptz) RETURNS integer LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    put_off integer;
BEGIN
    UPDATE jobs j SET state = 'scheduled', run_at = until, start_by = j.start_by + (until - j.run_at)
    WHERE j.id = ANY (ARRAY(SELECT w.id FROM jobs w WHERE w.id = ANY (ids) AND w.state IN ('available', 'limited')
        ORDER BY w.id FOR UPDATE SKIP LOCKED));
    GET DIAGNOSTICS put_off = ROW_COUNT;
    RETURN put_off;
END $$;
COMMENT ON FUNCTION put_off_jobs IS
    'Lets jobs that might start now wait until then instead, and returns how many do. Those that are being claimed go on.';

-- As before, but a full lane costs next to nothing, however many slots of its limits are held; and who makes a lane does not
-- keep others from a limit that it shares.
CREATE OR REPLACE FUNCTION claim_limited_jobs(by_worker bigint, of_queue text, known_kinds text[], at_most integer)
RETURNS SETOF claimed_job LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off SET enable_hashjoin = off
SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan SET jit = off AS $$
DECLARE
    lanes bigint[];
    held_lanes bigint[];
    names text[];
    slot_names text[];
    room jsonb;
    lane record;
    job record;
    next_ids bigint[];
    chosen bigint[] := '{}';
BEGIN
    SELECT array_agg(DISTINCT waiting.id), array_agg(DISTINCT name) INTO lanes, names
    FROM waiting_lanes(ARRAY[of_queue]) AS waiting CROSS JOIN LATERAL unnest(waiting.limits) AS name;
    names := ARRAY(SELECT l.name FROM job_limits l WHERE l.name = ANY (names) ORDER BY l.name FOR NO KEY UPDATE SKIP LOCKED);
    -- A statement of its own: it sees what those who had the locks before have committed.
    SELECT jsonb_object_agg(l.name, greatest(0, least(
        CASE WHEN l.slots IS NOT NULL THEN l.slots - held.slots END,
        CASE WHEN l.per_second IS NOT NULL THEN floor(limit_tokens(l)) END, 1000000))) INTO room
    FROM job_limits l CROSS JOIN LATERAL (
        SELECT count(*) AS slots FROM (SELECT FROM job_slots s WHERE s.limit_name = l.name LIMIT l.slots) AS counted) AS held
    WHERE l.name = ANY (names);
    -- Lanes in which somebody waits who holds a slot already: looked up from the slots, which are few, in the index of holders.
    held_lanes := ARRAY(
        SELECT DISTINCT waiting.lane FROM job_slots s CROSS JOIN LATERAL (
            SELECT DISTINCT j.lane FROM jobs j WHERE j.holder = s.holder AND j.state::text = 'limited') AS waiting
        WHERE s.limit_name = ANY (names) AND s.holder NOT LIKE 'job:%');
    FOR lane IN
        SELECT l.id, l.limits FROM unnest(lanes) AS waiting (id) JOIN job_lanes l ON l.id = waiting.id
        CROSS JOIN LATERAL (SELECT j.priority, j.id FROM jobs j WHERE j.lane = l.id AND j.state = 'limited'
            ORDER BY j.priority, j.id LIMIT 1) AS head
        WHERE room ?& l.limits AND (l.id = ANY (held_lanes)
            OR (SELECT min((room ->> name)::integer) > 0 FROM unnest(l.limits) AS name))
        ORDER BY head.priority, head.id
    LOOP
        slot_names := ARRAY(SELECT l.name FROM job_limits l WHERE l.name = ANY (lane.limits) AND l.slots IS NOT NULL);
        -- Whose holder has some of the slots needs only the others; who has all goes on, whatever room there is.
        -- Written so that no index but that of holders can serve: the lane may be long.
        FOR job IN
            SELECT j.id, held.holder, ARRAY(SELECT unnest(slot_names) EXCEPT SELECT unnest(held.names)) AS missing
            FROM (SELECT s.holder, array_agg(s.limit_name) AS names FROM job_slots s
                WHERE s.limit_name = ANY (slot_names) AND s.holder NOT LIKE 'job:%' GROUP BY s.holder) AS held
            CROSS JOIN LATERAL (
                SELECT j.id FROM jobs j
                WHERE j.holder = held.holder AND j.lane + 0 = lane.id AND j.state::text = 'limited'
                    AND j.kind = ANY (known_kinds) AND (j.start_by IS NULL OR j.start_by > clock_timestamp())
                FOR UPDATE SKIP LOCKED) AS j
            WHERE lane.id = ANY (held_lanes)
        LOOP
            EXIT WHEN at_most <= 0;
            CONTINUE WHEN EXISTS (SELECT FROM unnest(job.missing) AS name WHERE (room ->> name)::integer <= 0);
            INSERT INTO job_slots (limit_name, holder) SELECT unnest(job.missing), job.holder ON CONFLICT DO NOTHING;
            room := room || coalesce((SELECT jsonb_object_agg(name, (room ->> name)::integer - 1)
                FROM unnest(job.missing) AS name), '{}');
            chosen := chosen || job.id;
            at_most := at_most - 1;
        END LOOP;
        next_ids := ARRAY(
            SELECT j.id FROM jobs j
            WHERE j.lane = lane.id AND j.state = 'limited' AND j.kind = ANY (known_kinds) AND j.id <> ALL (chosen)
                AND (j.start_by IS NULL OR j.start_by > clock_timestamp())
            ORDER BY j.priority, j.id
            LIMIT greatest(0, least(at_most, (SELECT min((room ->> name)::integer) FROM unnest(lane.limits) AS name)))
            FOR UPDATE SKIP LOCKED);
        CONTINUE WHEN cardinality(next_ids) = 0;
        INSERT INTO job_slots (limit_name, holder)
        SELECT name, coalesce(j.holder, 'job:' || j.id) FROM jobs j CROSS JOIN unnest(slot_names) AS name
        WHERE j.id = ANY (next_ids)
        ON CONFLICT DO NOTHING;
        UPDATE job_limits l SET tokens = limit_tokens(l) - cardinality(next_ids), filled_at = clock_timestamp()
        WHERE l.name = ANY (lane.limits) AND l.per_second IS NOT NULL;
        room := room || (SELECT jsonb_object_agg(name, (room ->> name)::integer - cardinality(next_ids))
            FROM unnest(lane.limits) AS name);
        chosen := chosen || next_ids;
        at_most := at_most - cardinality(next_ids);
    END LOOP;
    -- This worker has all it can take: there may be room for more, and others may just have been passed over.
    IF at_most <= 0 THEN PERFORM pg_notify('operadora_jobs', of_queue); END IF;
    RETURN QUERY
    UPDATE jobs j SET state = 'running', worker = by_worker, attempt = j.attempt + 1, claims = j.claims + 1,
        claimed_at = clock_timestamp(), woken = false
    WHERE j.id = ANY (chosen)
    RETURNING j.id, j.claims, j.attempt, j.max_attempts::integer, j.key IS NOT NULL, j.awaited, j.enqueued_at,
        extract(epoch FROM j.claimed_at - j.run_at)::double precision, j.kind::text, j.queue::text, j.arguments::text,
        NULL::text, NULL::text, j.options::text;
END $$;
