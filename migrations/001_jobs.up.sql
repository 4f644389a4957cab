-- The job queue. Waiting and running jobs are in the small, hot table `jobs`; ended ones move to `finished_jobs`, which
-- is partitioned by day. Functions are the only writers: outsiders call enqueue_job, wake_job, cancel_job, pause_queue
-- and resume_queue; the rest is the workers'. docs/jobs.md says what each guarantees.
--
-- Locks are always taken in one order: rows of job_keys sorted by key, then rows of jobs. Whoever sweeps skips locked
-- rows. Only the database's clock is used.

CREATE TYPE job_state AS ENUM
    ('available', 'scheduled', 'blocked', 'running', 'completed', 'failed', 'cancelled', 'expired');

-- What a launcher may give. Domains rather than checks of the table: those would be read anew by each statement that
-- changes a job, though a claim changes none of these columns.
CREATE DOMAIN job_kind AS text CONSTRAINT job_kind_is_1_to_100_bytes CHECK (octet_length(VALUE) BETWEEN 1 AND 100);
CREATE DOMAIN job_queue AS text CONSTRAINT job_queue_is_1_to_100_bytes CHECK (octet_length(VALUE) BETWEEN 1 AND 100);
CREATE DOMAIN job_key AS text CONSTRAINT job_key_is_1_to_200_bytes CHECK (octet_length(VALUE) BETWEEN 1 AND 200);
CREATE DOMAIN job_unique_key AS text
    CONSTRAINT job_unique_key_is_1_to_200_bytes CHECK (octet_length(VALUE) BETWEEN 1 AND 200);
CREATE DOMAIN job_priority AS integer CONSTRAINT job_priority_is_0_to_32767 CHECK (VALUE BETWEEN 0 AND 32767);
CREATE DOMAIN job_max_attempts AS integer CONSTRAINT job_max_attempts_is_1_to_1000 CHECK (VALUE BETWEEN 1 AND 1000);
CREATE DOMAIN job_arguments AS jsonb
    CONSTRAINT job_arguments_are_at_most_1_mib CHECK (pg_column_size(VALUE) <= 1048576);

CREATE TABLE queues (
    name job_queue PRIMARY KEY,
    paused_at timestamptz
);
COMMENT ON TABLE queues IS 'Queues that a worker has served or someone has paused.';

CREATE TABLE workers (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    queues text[] NOT NULL,
    kinds text[] NOT NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    heartbeat_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    dead_after interval NOT NULL,
    stopping boolean NOT NULL DEFAULT false,
    CONSTRAINT worker_dead_after_is_positive CHECK (dead_after > interval '0')
);
COMMENT ON TABLE workers IS 'One row per living worker process. A running job whose worker has no row is rescued.';
COMMENT ON COLUMN workers.id IS 'Never used again: a worker that was declared dead comes back under a new one.';

-- Columns of fixed width first: no padding in the hot rows.
CREATE TABLE jobs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    enqueued_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    run_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    start_by timestamptz,
    claimed_at timestamptz,
    worker bigint,
    state job_state NOT NULL DEFAULT 'available',
    priority job_priority NOT NULL DEFAULT 100,
    attempt integer NOT NULL DEFAULT 0,
    max_attempts job_max_attempts NOT NULL DEFAULT 10,
    claims integer NOT NULL DEFAULT 0,
    rescues integer NOT NULL DEFAULT 0,
    awaited boolean NOT NULL DEFAULT false,
    woken boolean NOT NULL DEFAULT false,
    cancel_requested boolean NOT NULL DEFAULT false,
    kind job_kind NOT NULL,
    queue job_queue NOT NULL DEFAULT 'default',
    key job_key,
    unique_key job_unique_key,
    error text,
    arguments job_arguments NOT NULL DEFAULT '{}',
    CONSTRAINT job_is_not_finished CHECK (state IN ('available', 'scheduled', 'blocked', 'running')),
    CONSTRAINT job_has_a_worker_exactly_when_running CHECK ((state = 'running') = (worker IS NOT NULL)),
    CONSTRAINT job_is_blocked_by_a_key CHECK (state <> 'blocked' OR key IS NOT NULL)
) WITH (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0,
    autovacuum_vacuum_insert_scale_factor = 0.2, autovacuum_analyze_scale_factor = 0.2
);
COMMENT ON TABLE jobs IS 'Jobs that wait or run. Ended jobs are in finished_jobs.';
COMMENT ON COLUMN jobs.state IS
    'available: may be claimed; scheduled: not before run_at; blocked: behind another job of its key; running.';
COMMENT ON COLUMN jobs.start_by IS
    'It expires if its first run has not started by then; NULL once it has come back from a run.';
COMMENT ON COLUMN jobs.attempt IS 'Runs that count against max_attempts: a snooze or a hand-back takes its own back.';
COMMENT ON COLUMN jobs.claims IS 'How often it was claimed. Only grows: with worker, the fence of every finish.';
COMMENT ON COLUMN jobs.rescues IS 'Workers lost in a row while they ran it; the third ends the job.';
COMMENT ON COLUMN jobs.woken IS 'wake_job came while it ran: should it be put off, it becomes available at once.';

-- Each index serves one question, in the order in which it is asked.
CREATE INDEX jobs_to_claim ON jobs (queue, priority, id) WHERE state = 'available';
CREATE INDEX jobs_to_promote ON jobs (queue, run_at) WHERE state = 'scheduled';
CREATE INDEX jobs_running ON jobs (worker) WHERE state = 'running';
CREATE INDEX jobs_to_expire ON jobs (start_by) WHERE start_by IS NOT NULL AND state <> 'running';
CREATE INDEX jobs_of_a_key ON jobs (key, id) WHERE key IS NOT NULL;
CREATE UNIQUE INDEX job_unique_key_is_single ON jobs (unique_key) WHERE unique_key IS NOT NULL;

CREATE TABLE job_keys (
    key text PRIMARY KEY,
    enqueued bigint NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
COMMENT ON TABLE job_keys IS 'One row per key that has jobs. Its lock orders enqueueing and ending of those jobs.';
COMMENT ON COLUMN job_keys.enqueued IS 'Jobs enqueued since the row exists; the first of them was not blocked.';

CREATE TABLE finished_jobs (
    id bigint NOT NULL,
    enqueued_at timestamptz NOT NULL,
    run_at timestamptz NOT NULL,
    claimed_at timestamptz,
    finished_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    worker bigint,
    state job_state NOT NULL,
    priority integer NOT NULL,
    attempt integer NOT NULL,
    max_attempts integer NOT NULL,
    rescues integer NOT NULL,
    kind text NOT NULL,
    queue text NOT NULL,
    key text,
    unique_key text,
    error text,
    arguments jsonb NOT NULL,
    result jsonb,
    PRIMARY KEY (id, finished_at)
) PARTITION BY RANGE (finished_at);
COMMENT ON TABLE finished_jobs IS 'How jobs ended. One partition a day (UTC), dropped when older than the retention.';
CREATE INDEX finished_jobs_unsuccessful ON finished_jobs (finished_at) WHERE state <> 'completed';
CREATE TABLE finished_jobs_default PARTITION OF finished_jobs DEFAULT;
COMMENT ON TABLE finished_jobs_default IS 'Catches what ended on a day whose partition nobody made in time.';

CREATE TABLE schedule_ticks (
    schedule text NOT NULL,
    tick timestamptz NOT NULL,
    job_id bigint,
    PRIMARY KEY (schedule, tick)
);
COMMENT ON TABLE schedule_ticks IS 'One row per schedule and tick, whoever was first: a tick is enqueued once.';

-- Enqueue ------------------------------------------------------------------------------------------------------------

-- Takes the lock of a key until the transaction ends and says whether no other job of the key waits or runs.
CREATE FUNCTION lock_job_key(job_key text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    ordinal bigint;
BEGIN
    INSERT INTO job_keys AS k (key, enqueued) VALUES (job_key, 1)
    ON CONFLICT (key) DO UPDATE SET enqueued = k.enqueued + 1
    RETURNING k.enqueued INTO ordinal;
    -- The second question heals a key whose jobs someone deleted by hand.
    RETURN ordinal = 1 OR NOT EXISTS (SELECT FROM jobs j WHERE j.key = job_key);
END $$;

-- The waiting or running job of a unique key. One that is new may not be on the disk yet (enqueue_job_now): whoever is told
-- of it is told by a commit that waits for that.
CREATE FUNCTION find_job(unique_key text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    found_id bigint;
    is_new boolean;
BEGIN
    SELECT j.id, j.enqueued_at > clock_timestamp() - interval '10 s' INTO found_id, is_new
    FROM jobs j WHERE j.unique_key = find_job.unique_key;
    IF is_new THEN PERFORM pg_logical_emit_message(true, 'operadora', ''); END IF;
    RETURN found_id;
END $$;

-- Inserts without notifying. `due` says whether a worker should be told; a duplicate of a unique key yields the old id.
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

-- The shortest way from outside of a transaction to the start of the handler. Workers see the job before the disk has it;
-- the caller has its answer only when the disk has it too. Whatever the handler commits durably makes the job durable with
-- it, so what a crash in between can undo is a job that nobody was promised and that has left no trace.
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

-- For functions that called insert_job: tells workers in this transaction, or answers that somebody is to do it later.
CREATE FUNCTION announce_job(due boolean, queue text, at_once boolean) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF due AND at_once THEN PERFORM pg_notify('operadora_jobs', queue); END IF;
    RETURN due AND NOT at_once;
END $$;

-- Ending -------------------------------------------------------------------------------------------------------------
--
-- Every change of a running job is fenced by its id, its number of claims and its worker (a job has one exactly when it
-- is running). The worker is compared by IS NOT DISTINCT FROM, and the state not at all, because then no index but the
-- primary key can serve: the way must never be through everything that the worker runs.

-- After jobs of these keys ended, with the keys locked: lets the next of each go. Returns the queues to wake.
-- The head of a key is its job with the smallest id, because ids are drawn under the key's lock.
CREATE FUNCTION release_job_keys(ended_keys text[]) RETURNS text[] LANGUAGE plpgsql
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

-- Completes jobs without key and result, which is what most are, in one statement. Returns those that were not ours any
-- more.
CREATE FUNCTION complete_jobs(by_worker bigint, ids bigint[], fences integer[]) RETURNS bigint[] LANGUAGE plpgsql
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

-- Completes one job in the transaction of its handler. Raises when it was not this worker's any more, which undoes what the
-- transaction did. Returns the queues that have a job to claim now. `at_once`: tells workers and waiters with the commit.
CREATE FUNCTION complete_job(
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

-- Settles jobs in any way. An outcome is a final state, or 'retry' (counts), 'snooze' or 'release' (do not count): then
-- the job waits `delays` seconds, unless its cancellation was asked for meanwhile. Empty results and errors are NULL.
--   stale:  were not this worker's any more: nothing changed
--   busy:   still are, but another transaction holds their key: try again (never with `wait`)
--   queues: have a job that can be claimed now
CREATE FUNCTION settle_jobs(
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

-- A job that waits ends at once; a running one is asked to stop, which its worker does as soon as it hears of it.
CREATE FUNCTION cancel_job(job_id bigint) RETURNS boolean LANGUAGE plpgsql AS $$
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
COMMENT ON FUNCTION cancel_job IS 'Cancels a waiting job, asks a running one to stop; false when it had ended.';

-- Claim --------------------------------------------------------------------------------------------------------------

-- What a worker gets to run, `waited` seconds after it was due. `ending`: not to run but to end, as this final state
-- (with `error`).
CREATE TYPE claimed_job AS (
    id bigint, claims integer, attempt integer, max_attempts integer, keyed boolean, awaited boolean,
    enqueued_at timestamptz, waited double precision, kind text, queue text, arguments text, ending text, error text
);

-- Takes up to `at_most` jobs of one queue, of the kinds that the worker knows.
--
-- The commit does not wait for the disk: a claim that a crash of the server undoes leaves the job available, and every
-- durable commit that follows, such as the one that ends the job, makes the claim durable too.
--
-- The settings leave the planner one way, the index in its own order, whatever it believes of the table's size when it
-- plans: a plan made while the table was small must not be kept when a million jobs wait.
CREATE FUNCTION claim_jobs(by_worker bigint, of_queue text, known_kinds text[], at_most integer)
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

-- Makes due jobs of these queues available, and says in how many seconds the next is due (NULL: none).
CREATE FUNCTION promote_jobs(of_queues text[], at_most integer, OUT promoted integer, OUT next_due double precision)
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

-- Lets a scheduled job run now. True when it waited for its time, or runs: then it is not put off when it asks for it.
CREATE FUNCTION wake_job(job_id bigint) RETURNS boolean LANGUAGE plpgsql AS $$
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
COMMENT ON FUNCTION wake_job IS 'Makes a scheduled job available now; false when it is not waiting for a time.';

-- Liveness -----------------------------------------------------------------------------------------------------------

CREATE FUNCTION register_worker(worker_name text, of_queues text[], known_kinds text[], dead_after interval)
RETURNS bigint LANGUAGE sql AS $$
    INSERT INTO queues (name) SELECT unnest(of_queues) ORDER BY 1 ON CONFLICT DO NOTHING;
    INSERT INTO workers (name, queues, kinds, dead_after) VALUES (worker_name, of_queues, known_kinds, dead_after)
    RETURNING id;
$$;

-- False: this worker was declared dead, and its jobs may be another's already.
CREATE FUNCTION beat_worker(by_worker bigint, is_stopping boolean) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    UPDATE workers SET heartbeat_at = clock_timestamp(), stopping = is_stopping WHERE id = by_worker;
    RETURN FOUND;
END $$;

-- Declares workers dead whose heartbeat is too old. Nobody could beat while the server was down: its start gives all of
-- them their time again.
CREATE FUNCTION bury_workers(by_worker bigint) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    buried integer;
BEGIN
    DELETE FROM workers WHERE id IN (
        SELECT w.id FROM workers w
        WHERE w.id <> by_worker
            AND greatest(w.heartbeat_at, pg_postmaster_start_time()) < clock_timestamp() - w.dead_after
        FOR UPDATE SKIP LOCKED);
    GET DIAGNOSTICS buried = ROW_COUNT;
    RETURN buried;
END $$;

-- The gaps between the ids of living workers: a running job whose worker lies in one is an orphan. Asked this way, the
-- index is never read where the busy workers' many dead entries are.
CREATE FUNCTION worker_gaps() RETURNS TABLE (after_worker bigint, before_worker bigint) LANGUAGE sql STABLE AS $$
    SELECT id, lead(id, 1, 9223372036854775807) OVER (ORDER BY id)
    FROM (SELECT 0 AS id UNION ALL SELECT w.id FROM workers w) AS living
$$;

-- Gives orphans back to waiting, except those that `adopt_jobs` ends: at once the first time, after up to five seconds the
-- second. If one of them kills its workers, those that died with it twice are hardly there the third time.
CREATE FUNCTION rescue_jobs(at_most integer, OUT rescued integer, OUT queues text[]) LANGUAGE plpgsql
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

-- Hands over, to be ended by this worker: orphans that lost their third worker in a row, or were in their last attempt,
-- or were asked to stop; and waiting jobs that did not start in time. Only of kinds that this worker knows, because
-- ending one runs what its kind does then. Should this worker die too, they are orphans again.
CREATE FUNCTION adopt_jobs(by_worker bigint, known_kinds text[], at_most integer) RETURNS SETOF claimed_job
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

-- Of jobs that this worker holds: which are not its own any more, and which it shall stop.
CREATE FUNCTION check_jobs(by_worker bigint, ids bigint[], fences integer[], OUT lost bigint[], OUT to_cancel bigint[])
LANGUAGE sql STABLE SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
    SELECT coalesce(array_agg(held.id) FILTER (WHERE j.id IS NULL), '{}'),
        coalesce(array_agg(held.id) FILTER (WHERE j.cancel_requested), '{}')
    FROM unnest(ids, fences) AS held (id, fence)
    LEFT JOIN jobs j ON j.id = held.id AND j.claims = held.fence
        AND j.worker IS NOT DISTINCT FROM by_worker
$$;

-- Gives back, unspent, what this worker claimed without hearing of it (the answer to its claim was lost).
CREATE FUNCTION release_unheld_jobs(by_worker bigint, held bigint[], claimed_before interval) RETURNS integer
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

-- Queues, schedules, history -----------------------------------------------------------------------------------------

CREATE FUNCTION pause_queue(queue text) RETURNS void LANGUAGE sql AS $$
    INSERT INTO queues (name, paused_at) VALUES (queue, clock_timestamp())
    ON CONFLICT (name) DO UPDATE SET paused_at = coalesce(queues.paused_at, excluded.paused_at)
$$;
COMMENT ON FUNCTION pause_queue IS 'No job of the queue is started until resume_queue; running ones go on.';

CREATE FUNCTION resume_queue(queue text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE queues SET paused_at = NULL WHERE name = queue AND paused_at IS NOT NULL;
    IF FOUND THEN PERFORM pg_notify('operadora_jobs', queue); END IF;
END $$;

-- Enqueues the current tick of a schedule unless it has been, and says in how many seconds the next is. Missed ticks
-- are not made up for, and a tick is passed over while the job of an earlier one still waits or runs.
CREATE FUNCTION enqueue_tick(
    of_schedule text, every interval, kind text, arguments jsonb, queue text, priority integer, max_attempts integer,
    OUT enqueued boolean, OUT next_in double precision
) LANGUAGE plpgsql AS $$
DECLARE
    current timestamptz := clock_timestamp();
    this_tick timestamptz := date_bin(every, current, '2000-01-01 00:00:00Z');
BEGIN
    next_in := extract(epoch FROM this_tick + every - current);
    INSERT INTO schedule_ticks (schedule, tick) VALUES (of_schedule, this_tick) ON CONFLICT DO NOTHING;
    enqueued := FOUND;
    IF enqueued THEN
        UPDATE schedule_ticks SET job_id = enqueue_job(kind, arguments, queue, priority, NULL, max_attempts, NULL,
            'schedule:' || of_schedule) WHERE schedule = of_schedule AND tick = this_tick;
    END IF;
END $$;

-- Makes the partitions of the next days and drops those that are past the retention. One process at a time; the others
-- pass. Waits two seconds at most for readers of the history, and is simply called again.
CREATE FUNCTION maintain_history(retention interval, OUT created integer, OUT dropped integer) LANGUAGE plpgsql
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

SELECT maintain_history(interval '14 days');
