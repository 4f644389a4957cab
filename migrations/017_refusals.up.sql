-- What bad input is told: a class 22 or 23 error, a message and a hint, whichever way a job comes in (functions, COPY, INSERT).

-- For constraints: raises, so that the constraint's refusal has a hint. Volatile, or a plan would call it when it is made.
CREATE FUNCTION refuse(of_constraint text, message text, hint text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', message USING ERRCODE = 'check_violation', CONSTRAINT = of_constraint, HINT = hint;
END $$;

-- A CASE, because a value may be NULL where a column allows it. The values that are there have passed the same check.
ALTER DOMAIN job_kind DROP CONSTRAINT job_kind_is_1_to_100_bytes;
ALTER DOMAIN job_kind ADD CONSTRAINT job_kind_is_1_to_100_bytes CHECK (
    CASE WHEN octet_length(VALUE) NOT BETWEEN 1 AND 100 THEN refuse('job_kind_is_1_to_100_bytes',
        'the kind of a job has 1 to 100 bytes', 'Give the name that a worker has registered its handler by.')
    ELSE true END) NOT VALID;
ALTER DOMAIN job_queue DROP CONSTRAINT job_queue_is_1_to_100_bytes;
ALTER DOMAIN job_queue ADD CONSTRAINT job_queue_is_1_to_100_bytes CHECK (
    CASE WHEN octet_length(VALUE) NOT BETWEEN 1 AND 100 THEN refuse('job_queue_is_1_to_100_bytes',
        'the name of a queue has 1 to 100 bytes', 'Leave queue out for the queue default.')
    WHEN VALUE LIKE '{%' THEN refuse('job_queue_is_1_to_100_bytes',
        'the name of a queue does not begin with {', 'To give options as one object, write options => ''{"priority": 10}''.')
    ELSE true END) NOT VALID;
ALTER DOMAIN job_key DROP CONSTRAINT job_key_is_1_to_200_bytes;
ALTER DOMAIN job_key ADD CONSTRAINT job_key_is_1_to_200_bytes CHECK (
    CASE WHEN octet_length(VALUE) NOT BETWEEN 1 AND 200 THEN refuse('job_key_is_1_to_200_bytes',
        'the key of a job has 1 to 200 bytes', 'Leave key out for a job that runs in no order with others.')
    ELSE true END) NOT VALID;
ALTER DOMAIN job_unique_key DROP CONSTRAINT job_unique_key_is_1_to_200_bytes;
ALTER DOMAIN job_unique_key ADD CONSTRAINT job_unique_key_is_1_to_200_bytes CHECK (
    CASE WHEN octet_length(VALUE) NOT BETWEEN 1 AND 200 THEN refuse('job_unique_key_is_1_to_200_bytes',
        'the unique key of a job has 1 to 200 bytes', 'Leave unique_key out for a job that there may be many of; use a hash of what is longer.')
    ELSE true END) NOT VALID;
ALTER DOMAIN job_priority DROP CONSTRAINT job_priority_is_0_to_32767;
ALTER DOMAIN job_priority ADD CONSTRAINT job_priority_is_0_to_32767 CHECK (
    CASE WHEN VALUE NOT BETWEEN 0 AND 32767 THEN refuse('job_priority_is_0_to_32767',
        'the priority of a job is 0 to 32767', 'Smaller comes first; 100 is the default.')
    ELSE true END) NOT VALID;
ALTER DOMAIN job_max_attempts DROP CONSTRAINT job_max_attempts_is_1_to_1000;
ALTER DOMAIN job_max_attempts ADD CONSTRAINT job_max_attempts_is_1_to_1000 CHECK (
    CASE WHEN VALUE NOT BETWEEN 1 AND 1000 THEN refuse('job_max_attempts_is_1_to_1000',
        'max_attempts of a job is 1 to 1000', 'It counts the first run too: 1 is a job that is never retried.')
    ELSE true END) NOT VALID;
ALTER DOMAIN job_arguments DROP CONSTRAINT job_arguments_are_at_most_1_mib;
ALTER DOMAIN job_arguments ADD CONSTRAINT job_arguments_are_at_most_1_mib CHECK (
    CASE WHEN pg_column_size(VALUE) > 1048576 THEN refuse('job_arguments_are_at_most_1_mib',
        'the arguments of a job are at most 1 MiB', 'Keep what is larger in a table of yours, and give the job its id.')
    ELSE true END) NOT VALID;

ALTER TABLE job_limits
    DROP CONSTRAINT job_limit_is_1_to_200_bytes, DROP CONSTRAINT job_limit_slots_are_0_or_more,
    DROP CONSTRAINT job_limit_rate_is_0_to_10000, DROP CONSTRAINT job_limit_burst_is_1_to_10000,
    ADD CONSTRAINT job_limit_is_1_to_200_bytes CHECK (
        CASE WHEN octet_length(name) NOT BETWEEN 1 AND 200 THEN refuse('job_limit_is_1_to_200_bytes',
            'the name of a limit has 1 to 200 bytes', 'Name it for what it protects, such as account:1.')
        ELSE true END),
    ADD CONSTRAINT job_limit_slots_are_0_or_more CHECK (
        CASE WHEN slots < 0 THEN refuse('job_limit_slots_are_0_or_more',
            'the slots of a limit are 0 or more', 'NULL is any number; 0 lets nobody in.')
        ELSE true END),
    ADD CONSTRAINT job_limit_rate_is_0_to_10000 CHECK (
        CASE WHEN per_second NOT BETWEEN 0 AND 10000 THEN refuse('job_limit_rate_is_0_to_10000',
            'per_second of a limit is 0 to 10000', 'NULL is any rate; 0.5 is one start in two seconds.')
        ELSE true END),
    ADD CONSTRAINT job_limit_burst_is_1_to_10000 CHECK (
        CASE WHEN burst NOT BETWEEN 1 AND 10000 THEN refuse('job_limit_burst_is_1_to_10000',
            'the burst of a limit is 1 to 10000', 'So many may start at once after a pause; 1 is the default.')
        ELSE true END);
ALTER TABLE jobs DROP CONSTRAINT job_holder_is_1_to_200_bytes, ADD CONSTRAINT job_holder_is_1_to_200_bytes CHECK (
    CASE WHEN octet_length(holder) NOT BETWEEN 1 AND 200 THEN refuse('job_holder_is_1_to_200_bytes',
        'the holder of a job has 1 to 200 bytes', 'Name what holds the slots, such as call:7.')
    ELSE true END) NOT VALID;

-- For options that come as data, such as a request's. What is unknown or of a wrong type is said here; by name, as arguments,
-- PostgreSQL itself looks for the function, and says that there is none (class 42).
CREATE FUNCTION enqueue_job(kind text, arguments jsonb, options jsonb) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    known CONSTANT text := 'queue, priority, run_at, max_attempts, key, unique_key, start_within, awaited, unique_for, retry, '
        'depends_on, on_failure, batch, traceparent, limits, holder';
    unknown text;
    given record;
BEGIN
    IF jsonb_typeof(options) IS DISTINCT FROM 'object' THEN
        RAISE EXCEPTION 'options is not an object' USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Give for example {"queue": "calls", "priority": 10}.';
    END IF;
    SELECT name INTO unknown FROM jsonb_object_keys(options) AS name WHERE name <> ALL (string_to_array(known, ', ')) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'enqueue_job has no option "%"', left(unknown, 100) USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Its options are ' || known || '.';
    END IF;
    BEGIN
        SELECT * INTO given FROM jsonb_to_record(options) AS o (queue text, priority integer, run_at timestamptz,
            max_attempts integer, key text, unique_key text, start_within interval, awaited boolean, unique_for interval,
            retry jsonb, depends_on bigint[], on_failure text, batch bigint, traceparent text, limits text[], holder text);
    EXCEPTION WHEN data_exception THEN
        RAISE EXCEPTION 'an option is of the wrong type: %', SQLERRM USING ERRCODE = SQLSTATE,
            HINT = 'Numbers are priority, max_attempts and batch; times and intervals are written as text; depends_on and limits '
                'are arrays, retry is an object, awaited is true or false.';
    END;
    RETURN enqueue_job(kind, arguments, coalesce(given.queue, 'default'), coalesce(given.priority, 100), given.run_at,
        coalesce(given.max_attempts, 10), given.key, given.unique_key, given.start_within, coalesce(given.awaited, false),
        given.unique_for, given.retry, given.depends_on, given.on_failure, given.batch, given.traceparent, given.limits,
        given.holder);
END $$;
COMMENT ON FUNCTION enqueue_job(text, jsonb, jsonb) IS 'The same with its options as one JSON object; one that is null counts as left out.';

-- With a plan of its own each time, what ANALYZE found decides: when no job was running then, one is expected to be this worker's, and
-- all jobs are read and compared with each of `ids`. The generic plan goes from the ids to their jobs.
ALTER FUNCTION complete_jobs(bigint, bigint[], integer[]) SET plan_cache_mode = force_generic_plan;
