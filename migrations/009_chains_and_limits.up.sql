-- Chains, batches, limits, and what a job may bring with it: a unique key that outlives it, a retry policy of its own, the
-- trace that it belongs to. docs/jobs.md says what each guarantees.
--
-- Locks, after those of 001 (rows of job_keys, then rows of jobs): rows of job_batches, by id, then rows of jobs that wait
-- for others, by id. Rows of job_limits are only locked by claims, which pass over those that another one has.

ALTER TABLE jobs DROP CONSTRAINT job_is_not_finished;
ALTER TABLE jobs
    ADD COLUMN batch bigint,
    ADD COLUMN has_followers boolean NOT NULL DEFAULT false,
    ADD COLUMN options jsonb,
    ADD COLUMN lane bigint,
    ADD COLUMN holder text CONSTRAINT job_holder_is_1_to_200_bytes CHECK (octet_length(holder) BETWEEN 1 AND 200),
    ADD CONSTRAINT job_is_not_finished
        CHECK (state IN ('available', 'scheduled', 'blocked', 'waiting', 'limited', 'running')) NOT VALID;
ALTER TABLE jobs VALIDATE CONSTRAINT job_is_not_finished;
COMMENT ON COLUMN jobs.batch IS 'The job that starts when all of its batch have ended, this one among them.';
COMMENT ON COLUMN jobs.has_followers IS 'Jobs wait for the end of this one: job_dependencies.';
COMMENT ON COLUMN jobs.options IS 'What only its worker needs: retry, traceparent, depends_on.';
COMMENT ON COLUMN jobs.lane IS 'Which limits it needs to run: job_lanes.';
COMMENT ON COLUMN jobs.holder IS 'Who holds the slots that it takes, until release_slots; NULL is the job itself, until it ends.';
COMMENT ON COLUMN jobs.state IS
    'available: may be claimed; scheduled: not before run_at; blocked: behind another job of its key; waiting: for the ends '
    'of other jobs; limited: for a slot or the next moment of a limit; running.';
CREATE INDEX jobs_of_a_lane ON jobs (lane, priority, id) WHERE state = 'limited';
CREATE INDEX jobs_of_a_holder ON jobs (holder) WHERE holder IS NOT NULL;
CREATE INDEX jobs_of_a_batch ON jobs (batch) WHERE batch IS NOT NULL;

ALTER TABLE finished_jobs ADD COLUMN batch bigint;
CREATE INDEX finished_jobs_of_a_batch ON finished_jobs (batch, id) WHERE batch IS NOT NULL;

CREATE TABLE job_dependencies (
    depends_on bigint NOT NULL,
    job_id bigint NOT NULL,
    runs_anyway boolean NOT NULL,
    PRIMARY KEY (depends_on, job_id)
);
CREATE INDEX job_dependencies_of_a_job ON job_dependencies (job_id);
COMMENT ON TABLE job_dependencies IS 'Which waiting job still waits for the end of which other.';

CREATE TABLE job_batches (
    id bigint PRIMARY KEY,
    runs_anyway boolean NOT NULL,
    size bigint,
    completed bigint NOT NULL DEFAULT 0,
    unsuccessful bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 50);
COMMENT ON TABLE job_batches IS 'Sets of jobs with one that starts when all of them have ended. Its id is that one''s.';
COMMENT ON COLUMN job_batches.size IS 'NULL while it is open, which is until close_batch.';

CREATE TABLE unique_periods (
    unique_key text PRIMARY KEY,
    job_id bigint,
    until timestamptz NOT NULL
);
COMMENT ON TABLE unique_periods IS 'Unique keys that are held for a time, whether their job has ended or not.';

CREATE TABLE job_limits (
    name text PRIMARY KEY CONSTRAINT job_limit_is_1_to_200_bytes CHECK (octet_length(name) BETWEEN 1 AND 200),
    slots integer CONSTRAINT job_limit_slots_are_0_or_more CHECK (slots >= 0),
    per_second double precision CONSTRAINT job_limit_rate_is_0_to_10000 CHECK (per_second BETWEEN 0 AND 10000),
    burst integer NOT NULL DEFAULT 1 CONSTRAINT job_limit_burst_is_1_to_10000 CHECK (burst BETWEEN 1 AND 10000),
    tokens double precision NOT NULL DEFAULT 1,
    filled_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE job_limits IS
    'How many may hold a slot at a time (NULL: any number), and how many may start per second (NULL: any number) after a '
    'burst of so many.';

CREATE TABLE job_slots (
    limit_name text NOT NULL,
    holder text NOT NULL,
    taken_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (holder, limit_name)
);
CREATE INDEX job_slots_of_a_limit ON job_slots (limit_name);
COMMENT ON TABLE job_slots IS 'Who holds a slot of which limit.';

CREATE TABLE job_lanes (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    queue text NOT NULL,
    limits text[] NOT NULL,
    UNIQUE (queue, limits)
);
COMMENT ON TABLE job_lanes IS 'Jobs of a queue that need the same limits wait in one lane: a full one holds up no other.';

-- Enqueue ------------------------------------------------------------------------------------------------------------

-- Whether a job may be claimed or has to wait for its limits first. Whose holder has all the slots already may go on.
CREATE FUNCTION ready_state(job_lane bigint, job_holder text, job_id bigint) RETURNS job_state LANGUAGE sql STABLE
SET enable_seqscan = off AS $$
    SELECT CASE WHEN bool_and(s.holder IS NOT NULL) THEN 'available' ELSE 'limited' END::job_state
    FROM job_lanes l JOIN job_limits m ON m.name = ANY (l.limits) AND m.slots IS NOT NULL
    LEFT JOIN job_slots s ON s.limit_name = m.name AND s.holder = coalesce(job_holder, 'job:' || job_id)
    WHERE l.id = job_lane
$$;

-- The lane of these limits, kept from being cleaned away until the transaction ends.
CREATE FUNCTION lane_of(of_queue text, names text[]) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    sorted text[] := ARRAY(SELECT DISTINCT name FROM unnest(names) AS name WHERE name IS NOT NULL ORDER BY name);
    missing text;
    found_id bigint;
BEGIN
    SELECT name INTO missing FROM unnest(sorted) AS name WHERE NOT EXISTS (SELECT FROM job_limits l WHERE l.name = name.name);
    IF missing IS NOT NULL THEN
        RAISE EXCEPTION 'there is no limit "%"', left(missing, 200) USING ERRCODE = 'foreign_key_violation',
            HINT = 'set_limit makes it.';
    ELSIF cardinality(sorted) NOT BETWEEN 1 AND 8 THEN
        RAISE EXCEPTION 'a job has 1 to 8 limits' USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Leave limits out for a job without any.';
    END IF;
    LOOP
        SELECT l.id INTO found_id FROM job_lanes l WHERE l.queue = of_queue AND l.limits = sorted FOR KEY SHARE;
        EXIT WHEN FOUND;
        INSERT INTO job_lanes (queue, limits) VALUES (of_queue, sorted) ON CONFLICT DO NOTHING;
    END LOOP;
    RETURN found_id;
END $$;

CREATE FUNCTION set_limit(
    limit_name text, slots integer DEFAULT NULL, per_second double precision DEFAULT NULL, burst integer DEFAULT 1
) RETURNS void LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    INSERT INTO job_limits AS l (name, slots, per_second, burst, tokens)
    VALUES (limit_name, set_limit.slots, set_limit.per_second, set_limit.burst, set_limit.burst)
    ON CONFLICT (name) DO UPDATE SET slots = excluded.slots, per_second = excluded.per_second, burst = excluded.burst;
    PERFORM wake_lanes(ARRAY[limit_name]);
END $$;
COMMENT ON FUNCTION set_limit IS
    'Makes a limit or changes it, at once: slots that may be held at a time, starts per second, and how many at once after a pause.';

-- Tells the workers of every queue in which jobs wait for one of these limits.
CREATE FUNCTION wake_lanes(names text[]) RETURNS void LANGUAGE sql AS $$
    SELECT pg_notify('operadora_jobs', queue) FROM (
        SELECT DISTINCT l.queue FROM job_lanes l
        WHERE l.limits && names AND EXISTS (SELECT FROM jobs j WHERE j.lane = l.id AND j.state = 'limited')) AS woken
$$;

CREATE FUNCTION release_slots(holders text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    freed text[];
BEGIN
    WITH freed AS (DELETE FROM job_slots s WHERE s.holder = ANY (holders) RETURNING s.limit_name)
    SELECT array_agg(DISTINCT limit_name) INTO freed FROM freed;
    IF freed IS NULL THEN RETURN; END IF;
    -- What was let in by the holder alone, and has not started, needs a slot of its own now.
    UPDATE jobs j SET state = 'limited'
    WHERE j.holder = ANY (holders) AND j.state = 'available' AND j.lane IS NOT NULL;
    PERFORM wake_lanes(freed);
END $$;
CREATE FUNCTION release_slots(holder text) RETURNS void LANGUAGE sql AS $$
    SELECT release_slots(ARRAY[holder])
$$;
COMMENT ON FUNCTION release_slots(text) IS 'What this holder held may be another''s: call it when what the slots stood for has ended.';

CREATE FUNCTION check_retry(retry jsonb) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    name text;
    given jsonb;
    number double precision;
BEGIN
    IF jsonb_typeof(retry) IS DISTINCT FROM 'object' THEN
        RAISE EXCEPTION 'retry is not an object' USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Give for example {"base": 1, "factor": 2, "maximum": 3600, "jitter": 0.25}.';
    END IF;
    FOR name, given IN SELECT * FROM jsonb_each(retry) LOOP
        IF name NOT IN ('base', 'factor', 'maximum', 'jitter') THEN
            RAISE EXCEPTION 'retry has no option "%"', left(name, 100) USING ERRCODE = 'invalid_parameter_value',
                HINT = 'Its options are base and maximum (seconds), factor, and jitter (0 to 1).';
        END IF;
        number := CASE jsonb_typeof(given) WHEN 'number' THEN given::double precision END;
        IF number IS NULL OR number < 0 OR number > (CASE name WHEN 'jitter' THEN 1 WHEN 'factor' THEN 1000 ELSE 31536000 END)
            OR name = 'factor' AND number < 1 THEN
            RAISE EXCEPTION '% of retry is out of its range', name USING ERRCODE = 'invalid_parameter_value',
                HINT = 'base and maximum are 0 to 31536000 seconds, factor is 1 to 1000, jitter 0 to 1.';
        END IF;
    END LOOP;
    RETURN retry;
END $$;

-- Takes the jobs that a new one waits for: those that have not ended are told that they have a follower.
CREATE FUNCTION follow_jobs(job_id bigint, ids bigint[], runs_anyway boolean) RETURNS void LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    alive bigint[];
    ended record;
    missing bigint;
BEGIN
    -- Their ends wait for this transaction, or this one for theirs.
    alive := ARRAY(SELECT j.id FROM jobs j WHERE j.id = ANY (ids) ORDER BY j.id FOR NO KEY UPDATE);
    FOR ended IN
        SELECT asked.id, f.state FROM unnest(ids) AS asked (id)
        LEFT JOIN LATERAL (SELECT f.state FROM finished_jobs f WHERE f.id = asked.id ORDER BY f.finished_at DESC LIMIT 1) AS f
            ON true
        WHERE asked.id <> ALL (alive)
    LOOP
        IF ended.state IS NULL THEN
            RAISE EXCEPTION 'there is no job % to depend on', ended.id USING ERRCODE = 'foreign_key_violation',
                HINT = 'depends_on takes ids of jobs that wait, run or are in finished_jobs.';
        ELSIF ended.state <> 'completed' AND NOT runs_anyway THEN
            missing := ended.id;
        END IF;
    END LOOP;
    UPDATE jobs j SET has_followers = true WHERE j.id = ANY (alive) AND NOT j.has_followers;
    INSERT INTO job_dependencies SELECT id, follow_jobs.job_id, follow_jobs.runs_anyway FROM unnest(alive) AS alive (id);
    IF missing IS NOT NULL THEN
        PERFORM follow_ends(ARRAY[missing], ARRAY['failed'::job_state], ARRAY[NULL::bigint], follow_jobs.job_id);
    ELSIF cardinality(alive) = 0 THEN
        PERFORM start_waiting(ARRAY[follow_jobs.job_id]);
    END IF;
END $$;

-- Lets these jobs go, which wait for nothing any more.
CREATE FUNCTION start_waiting(ids bigint[]) RETURNS void LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    woken_queue text;
BEGIN
    FOR woken_queue IN
        WITH started AS (
            UPDATE jobs j SET
                state = CASE WHEN j.run_at > clock_timestamp() THEN 'scheduled' WHEN j.lane IS NULL THEN 'available'
                    ELSE ready_state(j.lane, j.holder, j.id) END
            WHERE j.id = ANY (ids) AND j.state = 'waiting'
            RETURNING j.queue, j.state
        )
        SELECT DISTINCT queue FROM started WHERE state <> 'scheduled'
    LOOP
        PERFORM pg_notify('operadora_jobs', woken_queue);
    END LOOP;
END $$;

-- What the ends of these jobs mean for those that wait for them, and what the ends of those mean in turn. For jobs with a
-- batch or with followers only; three arrays of one length. `newcomer`: a job that is to be ended because of one that had
-- ended before.
CREATE FUNCTION follow_ends(ids bigint[], states job_state[], batches bigint[], newcomer bigint DEFAULT NULL)
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

-- As before, and with `more`: an object of unique_for (seconds), retry, traceparent, depends_on, on_failure, batch, limits and
-- holder.
DROP FUNCTION insert_job(text, jsonb, text, integer, timestamptz, integer, text, text, interval, boolean);
CREATE FUNCTION insert_job(
    kind text, arguments jsonb, queue text, priority integer, run_at timestamptz, max_attempts integer, key text,
    unique_key text, start_within interval, awaited boolean, more jsonb DEFAULT NULL, OUT id bigint, OUT due boolean
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    current timestamptz := clock_timestamp();
    first_run timestamptz := greatest(insert_job.run_at, current);
    job_state job_state := CASE WHEN insert_job.run_at > current THEN 'scheduled' ELSE 'available' END;
    holds_for interval;
    of_batch bigint;
    of_lane bigint;
    of_holder text;
    dependencies bigint[];
    kept jsonb;
    is_new boolean := false;
BEGIN
    due := false;
    IF start_within < interval '0' THEN
        RAISE EXCEPTION 'start_within is negative' USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Give the time after run_at within which the job must start.';
    END IF;
    IF more IS NOT NULL THEN
        holds_for := make_interval(secs => (more ->> 'unique_for')::double precision);
        of_batch := (more ->> 'batch')::bigint;
        of_holder := more ->> 'holder';
        SELECT array_agg(DISTINCT d::bigint) INTO dependencies FROM jsonb_array_elements_text(more -> 'depends_on') AS d;
        kept := nullif(more - '{unique_for,batch,on_failure,limits,holder,depends_on}'::text[], '{}');
        IF dependencies IS NOT NULL THEN
            kept := coalesce(kept, '{}') || jsonb_build_object('depends_on', dependencies);
        END IF;
        IF more ? 'retry' THEN PERFORM check_retry(more -> 'retry'); END IF;
        IF more ->> 'traceparent' !~ '^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$' THEN
            RAISE EXCEPTION 'traceparent is not one of version 00' USING ERRCODE = 'invalid_parameter_value',
                HINT = 'It looks like 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 (W3C Trace Context).';
        ELSIF more ->> 'on_failure' NOT IN ('cancel', 'run') THEN
            RAISE EXCEPTION 'on_failure is neither cancel nor run' USING ERRCODE = 'invalid_parameter_value',
                HINT = 'It says what becomes of the job when one of depends_on does not complete.';
        ELSIF array_position(dependencies, NULL) IS NOT NULL THEN
            RAISE EXCEPTION 'depends_on has a NULL' USING ERRCODE = 'invalid_parameter_value',
                HINT = 'Give the ids of jobs.';
        ELSIF of_holder LIKE 'job:%' THEN
            RAISE EXCEPTION 'a holder does not begin with job:' USING ERRCODE = 'invalid_parameter_value',
                HINT = 'So are jobs called that hold their slots themselves.';
        ELSIF holds_for <= interval '0' OR holds_for IS NOT NULL AND unique_key IS NULL THEN
            RAISE EXCEPTION 'unique_for is not positive, or without a unique_key'
                USING ERRCODE = 'invalid_parameter_value', HINT = 'It says how long the unique_key is held from now on.';
        ELSIF dependencies IS NOT NULL AND key IS NOT NULL THEN
            RAISE EXCEPTION 'a job has either a key or depends_on' USING ERRCODE = 'invalid_parameter_value',
                HINT = 'What a key has to wait for would hold up all that come after it.';
        ELSIF cardinality(dependencies) > 1000 THEN
            RAISE EXCEPTION 'depends_on names more than 1,000 jobs' USING ERRCODE = 'invalid_parameter_value',
                HINT = 'For larger sets there is create_batch.';
        END IF;
        IF more ? 'limits' THEN
            of_lane := lane_of(queue, ARRAY(SELECT jsonb_array_elements_text(more -> 'limits')));
            IF job_state = 'available' THEN job_state := ready_state(of_lane, of_holder, NULL); END IF;
        ELSIF of_holder IS NOT NULL THEN
            RAISE EXCEPTION 'holder is given without limits' USING ERRCODE = 'invalid_parameter_value';
        END IF;
        IF dependencies IS NOT NULL THEN job_state := 'waiting'; END IF;
        IF holds_for IS NOT NULL THEN
            -- Of several at once the first one gets it; the others wait for its commit and are told its job.
            INSERT INTO unique_periods AS held (unique_key, until) VALUES (unique_key, current + holds_for)
            ON CONFLICT (unique_key) DO UPDATE SET until = excluded.until, job_id = NULL WHERE held.until <= current;
            IF NOT FOUND THEN
                SELECT held.job_id INTO id FROM unique_periods held WHERE held.unique_key = insert_job.unique_key;
                RETURN;
            END IF;
        END IF;
    END IF;
    -- The common repeat is found here without touching its key.
    IF unique_key IS NOT NULL THEN id := find_job(unique_key); END IF;
    IF id IS NULL THEN
        IF of_batch IS NOT NULL THEN PERFORM join_batch(of_batch); END IF;
        IF key IS NOT NULL AND NOT lock_job_key(key) THEN job_state := 'blocked'; END IF;
        LOOP
            INSERT INTO jobs (kind, arguments, queue, priority, enqueued_at, run_at, max_attempts, key, unique_key,
                start_by, awaited, state, batch, options, lane, holder)
            VALUES (kind, arguments, queue, priority, current, first_run, max_attempts, key, unique_key,
                first_run + start_within, awaited, job_state, of_batch, kept, of_lane, of_holder)
            ON CONFLICT (unique_key) WHERE unique_key IS NOT NULL DO NOTHING
            RETURNING jobs.id INTO id;
            is_new := FOUND;
            EXIT WHEN is_new;
            id := find_job(unique_key);
            EXIT WHEN id IS NOT NULL;
            -- It ended between the two statements: the name is free again.
        END LOOP;
        due := is_new AND job_state IN ('available', 'limited');
        IF NOT is_new AND job_state <> 'blocked' AND key IS NOT NULL THEN
            DELETE FROM job_keys k WHERE k.key = insert_job.key AND k.enqueued = 1;
        END IF;
        IF is_new AND dependencies IS NOT NULL THEN
            PERFORM follow_jobs(id, dependencies, coalesce(more ->> 'on_failure' = 'run', false));
        END IF;
    END IF;
    IF holds_for IS NOT NULL THEN
        UPDATE unique_periods held SET job_id = insert_job.id WHERE held.unique_key = insert_job.unique_key;
    END IF;
END $$;

DROP FUNCTION enqueue_job(text, jsonb, text, integer, timestamptz, integer, text, text, interval, boolean);
CREATE FUNCTION enqueue_job(
    kind text, arguments jsonb DEFAULT '{}', queue text DEFAULT 'default', priority integer DEFAULT 100,
    run_at timestamptz DEFAULT NULL, max_attempts integer DEFAULT 10, key text DEFAULT NULL,
    unique_key text DEFAULT NULL, start_within interval DEFAULT NULL, awaited boolean DEFAULT false,
    unique_for interval DEFAULT NULL, retry jsonb DEFAULT NULL, depends_on bigint[] DEFAULT NULL,
    on_failure text DEFAULT NULL, batch bigint DEFAULT NULL, traceparent text DEFAULT NULL,
    limits text[] DEFAULT NULL, holder text DEFAULT NULL
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    more jsonb;
    job record;
BEGIN
    IF num_nonnulls(unique_for, retry, depends_on, on_failure, batch, traceparent, limits, holder) > 0 THEN
        more := (SELECT jsonb_object_agg(option, value) FROM (VALUES
            ('unique_for', to_jsonb(extract(epoch FROM unique_for))), ('retry', retry), ('depends_on', to_jsonb(depends_on)),
            ('on_failure', to_jsonb(on_failure)), ('batch', to_jsonb(batch)), ('traceparent', to_jsonb(traceparent)),
            ('limits', to_jsonb(limits)), ('holder', to_jsonb(holder))
        ) AS given (option, value) WHERE value IS NOT NULL);
    END IF;
    job := insert_job(
        kind, arguments, queue, priority, run_at, max_attempts, key, unique_key, start_within, awaited, more);
    -- The server sends one notification per queue and transaction, however many jobs it enqueues.
    IF job.due THEN PERFORM pg_notify('operadora_jobs', queue); END IF;
    RETURN job.id;
END $$;
COMMENT ON FUNCTION enqueue_job IS
    'Enqueues a job that exists exactly if the transaction commits. Returns its id, or the id that has its unique key.';

DROP PROCEDURE enqueue_job_now(text, jsonb, text, integer, timestamptz, integer, text, text, interval, boolean, bigint);
CREATE PROCEDURE enqueue_job_now(
    kind text, arguments jsonb, queue text, priority integer, run_at timestamptz, max_attempts integer, key text,
    unique_key text, start_within interval, awaited boolean, INOUT id bigint, more jsonb DEFAULT NULL
) LANGUAGE plpgsql AS $$
DECLARE
    job record;
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    job := insert_job(
        kind, arguments, queue, priority, run_at, max_attempts, key, unique_key, start_within, awaited, more);
    id := job.id;
    IF job.due THEN PERFORM pg_notify('operadora_jobs', queue); END IF;
    COMMIT;
    -- Something to write, whose commit waits for the disk as the session is set to.
    PERFORM pg_logical_emit_message(true, 'operadora', '');
END $$;

-- As before, and a job with limits waits for these.
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
            state = CASE WHEN j.run_at > clock_timestamp() THEN 'scheduled' WHEN j.lane IS NULL THEN 'available'
                ELSE ready_state(j.lane, j.holder, j.id) END
        FROM head WHERE j.id = head.id AND j.state = 'blocked'
        RETURNING j.queue, j.state
    )
    SELECT array_agg(DISTINCT queue) INTO woken_queues FROM promoted WHERE state <> 'scheduled';
    RETURN woken_queues;
END $$;

CREATE OR REPLACE FUNCTION wake_job(job_id bigint) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    job record;
BEGIN
    UPDATE jobs j SET
        state = CASE WHEN j.state <> 'scheduled' THEN j.state WHEN j.lane IS NULL THEN 'available'
            ELSE ready_state(j.lane, j.holder, j.id) END,
        start_by = CASE j.state WHEN 'running' THEN j.start_by ELSE clock_timestamp() + (j.start_by - j.run_at) END,
        run_at = CASE j.state WHEN 'running' THEN j.run_at ELSE clock_timestamp() END,
        woken = j.state = 'running'
    WHERE j.id = job_id
        AND (j.state IN ('scheduled', 'running') OR j.state = 'blocked' AND j.run_at > clock_timestamp())
    RETURNING j.state, j.queue INTO job;
    IF NOT FOUND THEN RETURN false; END IF;
    IF job.state IN ('available', 'limited') THEN PERFORM pg_notify('operadora_jobs', job.queue); END IF;
    RETURN true;
END $$;

-- Batches ------------------------------------------------------------------------------------------------------------

CREATE FUNCTION create_batch(
    kind text, arguments jsonb DEFAULT '{}', queue text DEFAULT 'default', priority integer DEFAULT 100,
    max_attempts integer DEFAULT 10, unique_key text DEFAULT NULL, awaited boolean DEFAULT false,
    on_failure text DEFAULT 'cancel'
) RETURNS bigint LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    new_id bigint;
BEGIN
    IF on_failure IS NULL OR on_failure NOT IN ('cancel', 'run') THEN
        RAISE EXCEPTION 'on_failure is neither cancel nor run' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    LOOP
        INSERT INTO jobs AS j (kind, arguments, queue, priority, max_attempts, unique_key, awaited, state)
        VALUES (create_batch.kind, create_batch.arguments, create_batch.queue, create_batch.priority,
            create_batch.max_attempts, create_batch.unique_key, create_batch.awaited, 'waiting')
        ON CONFLICT (unique_key) WHERE unique_key IS NOT NULL DO NOTHING
        RETURNING j.id INTO new_id;
        IF FOUND THEN
            INSERT INTO job_batches (id, runs_anyway) VALUES (new_id, on_failure = 'run');
            RETURN new_id;
        END IF;
        new_id := find_job(create_batch.unique_key);
        IF new_id IS NOT NULL THEN RETURN new_id; END IF;
    END LOOP;
END $$;
COMMENT ON FUNCTION create_batch IS
    'Enqueues a job that starts when all jobs of its batch have ended: those enqueued with batch => the returned id, up to '
    'close_batch. on_failure: cancel ends it unless all completed, run starts it whatever became of them.';

-- Whoever adds to a batch holds it open until the transaction ends.
CREATE FUNCTION join_batch(of_batch bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    batch job_batches;
BEGIN
    SELECT * INTO batch FROM job_batches b WHERE b.id = of_batch FOR KEY SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no batch %', of_batch USING ERRCODE = 'foreign_key_violation',
            HINT = 'create_batch returns the id of a new one.';
    ELSIF batch.size IS NOT NULL THEN
        RAISE EXCEPTION 'batch % is closed', of_batch USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Enqueue all of its jobs before close_batch.';
    END IF;
END $$;

CREATE FUNCTION close_batch(of_batch bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    batch job_batches;
    members bigint;
BEGIN
    -- Waits for those who still add to it, and makes those wait whose jobs end now: these still count as there.
    SELECT * INTO batch FROM job_batches b WHERE b.id = of_batch FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no batch %', of_batch USING ERRCODE = 'foreign_key_violation',
            HINT = 'create_batch returns the id of a new one.';
    ELSIF batch.size IS NOT NULL THEN
        RETURN batch.size;
    END IF;
    members := batch.completed + batch.unsuccessful + (SELECT count(*) FROM jobs j WHERE j.batch = of_batch);
    UPDATE job_batches b SET size = members WHERE b.id = of_batch;
    PERFORM follow_ends('{}', '{}', ARRAY[of_batch]);
    RETURN members;
END $$;
COMMENT ON FUNCTION close_batch IS
    'Nothing is added to the batch any more: its job starts when all have ended, now if they have. Returns how many there are; '
    'closing again changes nothing.';

CREATE FUNCTION batch_results(of_batch bigint, after_id bigint DEFAULT 0, at_most integer DEFAULT 1000)
RETURNS TABLE (id bigint, kind text, arguments jsonb, state text, result jsonb, error text) LANGUAGE sql STABLE AS $$
    SELECT f.id, f.kind, f.arguments, f.state::text, f.result, f.error FROM finished_jobs f
    WHERE f.batch = of_batch AND f.id > after_id ORDER BY f.id LIMIT at_most
$$;
COMMENT ON FUNCTION batch_results IS 'How the jobs of a batch ended, by id, a page at a time.';

-- Ends ---------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION complete_jobs(by_worker bigint, ids bigint[], fences integer[]) RETURNS bigint[]
LANGUAGE plpgsql SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    done bigint[];
    followed bigint[];
    batches bigint[];
    holders text[];
BEGIN
    WITH ended AS (
        DELETE FROM jobs j USING unnest(ids, fences) AS mine (id, fence)
        WHERE j.id = mine.id AND j.claims = mine.fence AND j.worker IS NOT DISTINCT FROM by_worker
            AND j.key IS NULL
        RETURNING j.*
    ), history AS (
        INSERT INTO finished_jobs (id, enqueued_at, run_at, claimed_at, worker, state, priority, attempt, max_attempts,
            rescues, kind, queue, unique_key, arguments, batch)
        SELECT id, enqueued_at, run_at, claimed_at, worker, 'completed', priority, attempt, max_attempts,
            rescues, kind, queue, unique_key, arguments, batch
        FROM ended
    )
    SELECT array_agg(id), array_agg(id) FILTER (WHERE has_followers OR batch IS NOT NULL),
        array_agg(batch) FILTER (WHERE has_followers OR batch IS NOT NULL),
        array_agg('job:' || id) FILTER (WHERE lane IS NOT NULL AND holder IS NULL)
    INTO done, followed, batches, holders FROM ended;
    IF holders IS NOT NULL THEN PERFORM release_slots(holders); END IF;
    IF followed IS NOT NULL THEN
        PERFORM follow_ends(followed, array_fill('completed'::job_state, ARRAY[cardinality(followed)]), batches);
    END IF;
    IF cardinality(done) = cardinality(ids) THEN RETURN '{}'; END IF;
    RETURN ARRAY(SELECT unnest(ids) EXCEPT SELECT unnest(done));
END $$;

-- As before, and with what their ends mean for others.
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
        rescues, kind, queue, key, unique_key, arguments, result, batch)
    VALUES (job.id, job.enqueued_at, job.run_at, job.claimed_at, job.worker, 'completed', job.priority, job.attempt,
        job.max_attempts, job.rescues, job.kind, job.queue, job.key, job.unique_key, job.arguments, job_result, job.batch);
    IF is_keyed THEN woken_queues := coalesce(release_job_keys(ARRAY[job_key]), '{}'); END IF;
    IF job.lane IS NOT NULL AND job.holder IS NULL THEN PERFORM release_slots('job:' || job_id); END IF;
    IF job.has_followers OR job.batch IS NOT NULL THEN
        PERFORM follow_ends(ARRAY[job_id], ARRAY['completed'::job_state], ARRAY[job.batch]);
    END IF;
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

-- Claims -------------------------------------------------------------------------------------------------------------

-- The lanes of these queues in which jobs wait for a limit: found from one to the next in the index, however many jobs wait
-- in each and however many lanes there ever were.
CREATE FUNCTION waiting_lanes(of_queues text[]) RETURNS SETOF job_lanes LANGUAGE sql STABLE
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
    WITH RECURSIVE waiting AS (
        (SELECT j.lane FROM jobs j WHERE j.state = 'limited' ORDER BY j.lane LIMIT 1)
        UNION ALL
        SELECT (SELECT j.lane FROM jobs j WHERE j.state = 'limited' AND j.lane > waiting.lane ORDER BY j.lane LIMIT 1)
        FROM waiting WHERE waiting.lane IS NOT NULL
    )
    SELECT l.* FROM waiting JOIN job_lanes l ON l.id = waiting.lane WHERE l.queue = ANY (of_queues)
$$;

-- How many may start now, by the rate alone.
CREATE FUNCTION limit_tokens(of_limit job_limits) RETURNS double precision LANGUAGE sql STABLE AS $$
    SELECT least(of_limit.burst,
        of_limit.tokens + of_limit.per_second * extract(epoch FROM clock_timestamp() - of_limit.filled_at)::double precision)
$$;

ALTER TYPE claimed_job ADD ATTRIBUTE options text;

-- Takes jobs for which there are slots and tokens, which they have then: a part of the claim. Only claims lock limits, and pass
-- over those that another one has: who is changing one of them holds up nobody.
CREATE FUNCTION claim_limited_jobs(by_worker bigint, of_queue text, known_kinds text[], at_most integer)
RETURNS SETOF claimed_job LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off SET enable_hashjoin = off
SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan SET jit = off AS $$
DECLARE
    lanes bigint[];
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
    names := ARRAY(SELECT l.name FROM job_limits l WHERE l.name = ANY (names) ORDER BY l.name FOR UPDATE SKIP LOCKED);
    -- A statement of its own: it sees what those who had the locks before have committed.
    SELECT jsonb_object_agg(l.name, greatest(0, least(
        CASE WHEN l.slots IS NOT NULL THEN l.slots - held.slots END,
        CASE WHEN l.per_second IS NOT NULL THEN floor(limit_tokens(l)) END, 1000000))) INTO room
    FROM job_limits l CROSS JOIN LATERAL (
        SELECT count(*) AS slots FROM (SELECT FROM job_slots s WHERE s.limit_name = l.name LIMIT l.slots) AS counted) AS held
    WHERE l.name = ANY (names);
    FOR lane IN
        SELECT l.id, l.limits FROM unnest(lanes) AS waiting (id) JOIN job_lanes l ON l.id = waiting.id
        CROSS JOIN LATERAL (SELECT j.priority, j.id FROM jobs j WHERE j.lane = l.id AND j.state = 'limited'
            ORDER BY j.priority, j.id LIMIT 1) AS head
        WHERE room ?& l.limits ORDER BY head.priority, head.id
    LOOP
        slot_names := ARRAY(SELECT l.name FROM job_limits l WHERE l.name = ANY (lane.limits) AND l.slots IS NOT NULL);
        -- Whose holder has some of the slots needs only the others; who has all goes on, whatever room there is.
        -- Written so that no index but that of holders can serve: the lane may be long.
        FOR job IN
            SELECT j.id, j.holder, ARRAY(SELECT unnest(slot_names) EXCEPT SELECT unnest(held.names)) AS missing
            FROM (SELECT s.holder, array_agg(s.limit_name) AS names FROM job_slots s
                WHERE s.limit_name = ANY (slot_names) AND s.holder NOT LIKE 'job:%' GROUP BY s.holder) AS held
            JOIN jobs j ON j.holder = held.holder AND j.lane + 0 = lane.id AND j.state::text = 'limited'
            WHERE j.kind = ANY (known_kinds) AND (j.start_by IS NULL OR j.start_by > clock_timestamp())
            FOR UPDATE OF j SKIP LOCKED
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

CREATE OR REPLACE FUNCTION release_unheld_jobs(by_worker bigint, held bigint[], claimed_before interval) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    released integer;
BEGIN
    UPDATE jobs SET state = 'available', worker = NULL, attempt = attempt - 1
    WHERE id IN (SELECT j.id FROM jobs j WHERE j.worker = by_worker AND j.state = 'running' AND j.attempt > 0 AND j.id <> ALL (held)
        AND j.claimed_at < clock_timestamp() - claimed_before FOR UPDATE SKIP LOCKED);
    GET DIAGNOSTICS released = ROW_COUNT;
    RETURN released;
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
    UPDATE jobs j SET state = CASE WHEN j.lane IS NULL THEN 'available' ELSE ready_state(j.lane, j.holder, j.id) END
    FROM due WHERE j.id = due.id AND j.state = 'scheduled';
    GET DIAGNOSTICS promoted = ROW_COUNT;
    SELECT extract(epoch FROM min(next.run_at) - clock_timestamp()) INTO next_due
    FROM unnest(of_queues) AS served (queue) CROSS JOIN LATERAL (
        SELECT j.run_at FROM jobs j WHERE j.queue = served.queue AND j.state = 'scheduled'
        ORDER BY j.run_at LIMIT 1) AS next;
    -- When the next token of a lane is there, unless it waits for a slot: whoever frees one says so.
    next_due := least(next_due, (
        SELECT min(lane.next_in) FROM (
            SELECT greatest(0.01, max(CASE WHEN limit_tokens(l) < 1 THEN 1 - limit_tokens(l) ELSE 1 END / l.per_second))
                AS next_in
            FROM waiting_lanes(of_queues) AS waiting JOIN job_limits l ON l.name = ANY (waiting.limits) AND l.per_second > 0
            WHERE NOT EXISTS (SELECT FROM job_limits f WHERE f.name = ANY (waiting.limits) AND f.slots IS NOT NULL
                AND f.slots <= (SELECT count(*) FROM (
                    SELECT FROM job_slots s WHERE s.limit_name = f.name LIMIT f.slots) AS counted))
            GROUP BY waiting.id) AS lane));
END $$;

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
        UPDATE jobs j SET state = CASE j.rescues WHEN 0 THEN 'available' ELSE 'scheduled' END::job_state, worker = NULL,
            rescues = j.rescues + 1, run_at = clock_timestamp() + j.rescues * random() * interval '5 s',
            start_by = NULL, woken = false, error = 'its worker was lost'
        FROM orphan WHERE j.id = orphan.id
        RETURNING j.queue, j.state
    )
    SELECT count(*), coalesce(array_agg(DISTINCT queue) FILTER (WHERE state = 'available'), '{}') INTO rescued, queues
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
        rescues = j.rescues + CASE WHEN adopted.ending = 'failed' THEN 1 ELSE 0 END
    FROM (SELECT * FROM doomed UNION ALL SELECT * FROM late) AS adopted
    WHERE j.id = adopted.id
    RETURNING j.id, j.claims, j.attempt, j.max_attempts::integer, j.key IS NOT NULL, j.awaited, j.enqueued_at,
        extract(epoch FROM clock_timestamp() - j.run_at)::double precision, j.kind::text, j.queue::text, j.arguments::text,
        adopted.ending, adopted.reason, j.options::text;
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
    DELETE FROM unique_periods u WHERE u.until < now();
    DELETE FROM job_batches b WHERE b.created_at < now() - retention AND NOT EXISTS (SELECT FROM jobs j WHERE j.id = b.id)
        AND NOT EXISTS (SELECT FROM jobs j WHERE j.batch = b.id);
    DELETE FROM schedule_ticks t WHERE t.tick < now() - interval '30 days'
        AND EXISTS (SELECT FROM schedule_ticks newer WHERE newer.schedule = t.schedule AND newer.tick > t.tick);
END $$;

-- Reports ------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE VIEW report_jobs AS
SELECT coalesce(alive.kind, ended.kind) AS kind, coalesce(alive.queue, ended.queue) AS queue,
    coalesce(available, 0) AS available, coalesce(scheduled, 0) AS scheduled, coalesce(blocked, 0) AS blocked,
    coalesce(running, 0) AS running, oldest_wait_seconds,
    coalesce(completed, 0) AS completed, coalesce(failed, 0) AS failed, coalesce(cancelled, 0) AS cancelled,
    coalesce(expired, 0) AS expired, p50_wait_ms, p99_wait_ms, p50_run_ms, p99_run_ms,
    coalesce(waiting, 0) AS waiting, coalesce(limited, 0) AS limited
FROM (
    SELECT kind, queue, count(*) FILTER (WHERE state = 'available') AS available,
        count(*) FILTER (WHERE state = 'scheduled') AS scheduled, count(*) FILTER (WHERE state = 'blocked') AS blocked,
        count(*) FILTER (WHERE state = 'running') AS running, count(*) FILTER (WHERE state = 'waiting') AS waiting,
        count(*) FILTER (WHERE state = 'limited') AS limited,
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
