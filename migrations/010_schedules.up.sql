-- Schedules in the database: five-field cron expressions with a time zone, one job per tick whichever worker comes first.
-- Operators call set_schedule, pause_schedule, resume_schedule, remove_schedule, next_tick and next_ticks; the rest is the
-- workers'. docs/schedules.md says what each guarantees. Only the database's clock is used.

CREATE TYPE cron_expression AS (
    minutes integer[],
    hours integer[],
    days integer[],
    months integer[],
    weekdays integer[],
    any_hour boolean,
    any_day boolean,
    any_weekday boolean
);
COMMENT ON TYPE cron_expression IS
    'A cron expression that was read: what each field allows, in order, Sunday as 0; any_…: the field begins with *.';

-- Reading ------------------------------------------------------------------------------------------------------------

-- `names` stand for the numbers from `lowest` on. Day of week: highest is 7, which is Sunday as 0 is.
CREATE FUNCTION parse_cron_field(field text, what text, lowest integer, highest integer, names text[])
RETURNS integer[] LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    top CONSTANT integer := CASE highest WHEN 7 THEN 6 ELSE highest END;
    chosen integer[] := '{}';
    item text;
    words text[];
    range_start integer;
    range_end integer;
    step integer;
    problem text;
BEGIN
    FOREACH item IN ARRAY string_to_array(field, ',') LOOP
        words := regexp_match(item, '^(?:\*|(\d{1,9}|[a-z]{3})(?:-(\d{1,9}|[a-z]{3}))?)(?:/(\d{1,9}))?$');
        range_start := CASE WHEN words[1] IS NULL THEN lowest WHEN words[1] ~ '^\d' THEN words[1]::integer
            ELSE array_position(names, words[1]) - 1 + lowest END;
        range_end := CASE WHEN words[1] IS NULL THEN top
            WHEN words[2] ~ '^\d' THEN words[2]::integer
            WHEN words[2] IS NOT NULL THEN array_position(names, words[2]) - 1 + lowest
            -- 10/15 is 10-59/15.
            WHEN words[3] IS NOT NULL THEN top
            ELSE range_start END;
        -- A week that is written mon-sun ends with the other Sunday.
        IF words[2] = 'sun' AND range_start > 0 THEN range_end := 7; END IF;
        step := coalesce(words[3]::integer, 1);
        problem := CASE
            WHEN words IS NULL THEN 'cannot be read'
            WHEN range_start IS NULL OR range_end IS NULL THEN 'has an unknown name'
            WHEN range_start NOT BETWEEN lowest AND highest OR range_end NOT BETWEEN lowest AND highest
                THEN 'is out of range'
            WHEN range_start > range_end THEN 'runs backwards: write two ranges'
            WHEN step NOT BETWEEN 1 AND highest THEN 'has a step that is out of range'
        END;
        IF problem IS NOT NULL THEN
            RAISE EXCEPTION 'the % of the cron expression is wrong: % %', what,
                CASE item WHEN '' THEN 'an empty item' ELSE left(item, 40) END, problem
                USING ERRCODE = 'invalid_parameter_value', HINT = format(
                    'The %s is %s to %s%s: *, a number, a range such as %s-%s, a list of these with commas, '
                    'a step of 1 to %s after a slash.', what, lowest, highest,
                    CASE WHEN names IS NULL THEN '' ELSE format(' or %s to %s', names[1], names[cardinality(names)]) END,
                    lowest, lowest + 1, highest);
        END IF;
        chosen := chosen || ARRAY(SELECT generate_series(range_start, range_end, step));
    END LOOP;
    RETURN ARRAY(
        SELECT DISTINCT CASE highest WHEN 7 THEN number % 7 ELSE number END AS number
        FROM unnest(chosen) AS number ORDER BY number);
END $$;

CREATE FUNCTION parse_cron(cron text) RETURNS cron_expression LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
    advice CONSTANT text := 'Give minute, hour, day of month, month and day of week, such as 30 9 * * mon-fri; or @hourly, '
        '@daily, @weekly, @monthly, @yearly.';
    written text;
    fields text[];
    expression cron_expression;
BEGIN
    IF octet_length(cron) > 500 THEN
        RAISE EXCEPTION 'a cron expression has at most 500 bytes, this one has %', octet_length(cron)
            USING ERRCODE = 'invalid_parameter_value', HINT = advice;
    END IF;
    written := btrim(lower(cron), E' \t\r\n');
    IF left(written, 1) = '@' THEN
        fields := CASE written
            WHEN '@hourly' THEN '{0,*,*,*,*}'
            WHEN '@daily' THEN '{0,0,*,*,*}'
            WHEN '@midnight' THEN '{0,0,*,*,*}'
            WHEN '@weekly' THEN '{0,0,*,*,0}'
            WHEN '@monthly' THEN '{0,0,1,*,*}'
            WHEN '@yearly' THEN '{0,0,1,1,*}'
            WHEN '@annually' THEN '{0,0,1,1,*}'
        END;
        IF fields IS NULL THEN
            RAISE EXCEPTION 'there is no cron expression %', left(written, 40)
                USING ERRCODE = 'invalid_parameter_value', HINT = advice;
        END IF;
    ELSE
        fields := CASE written WHEN '' THEN '{}' ELSE regexp_split_to_array(written, '\s+') END;
    END IF;
    IF cardinality(fields) <> 5 THEN
        RAISE EXCEPTION 'a cron expression has five fields, this one has %', cardinality(fields)
            USING ERRCODE = 'invalid_parameter_value', HINT = advice;
    END IF;
    expression.minutes := parse_cron_field(fields[1], 'minute', 0, 59, NULL);
    expression.hours := parse_cron_field(fields[2], 'hour', 0, 23, NULL);
    expression.days := parse_cron_field(fields[3], 'day of month', 1, 31, NULL);
    expression.months := parse_cron_field(fields[4], 'month', 1, 12,
        '{jan,feb,mar,apr,may,jun,jul,aug,sep,oct,nov,dec}');
    expression.weekdays := parse_cron_field(fields[5], 'day of week', 0, 7, '{sun,mon,tue,wed,thu,fri,sat}');
    expression.any_hour := left(fields[2], 1) = '*';
    expression.any_day := left(fields[3], 1) = '*';
    expression.any_weekday := left(fields[5], 1) = '*';
    RETURN expression;
END $$;
COMMENT ON FUNCTION parse_cron IS 'Reads a cron expression; refuses a wrong one by the field that is wrong.';

-- The next tick ------------------------------------------------------------------------------------------------------

-- The first time on the wall clock after `local` that the expression names, within five years; else NULL.
CREATE FUNCTION next_cron_time(expression cron_expression, local timestamp) RETURNS timestamp
LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
    earliest CONSTANT timestamp := date_trunc('minute', local) + interval '1 minute';
    last_day CONSTANT date := earliest + interval '5 years';
    day date := earliest;
    hour integer := extract(hour FROM earliest);
    minute integer := extract(minute FROM earliest);
    is_day boolean;
    is_weekday boolean;
    candidate integer;
    candidate_minute integer;
BEGIN
    WHILE day <= last_day LOOP
        IF extract(month FROM day)::integer <> ALL (expression.months) THEN
            day := date_trunc('month', day::timestamp) + interval '1 month';
            hour := 0;
            minute := 0;
            CONTINUE;
        END IF;
        is_day := extract(day FROM day)::integer = ANY (expression.days);
        is_weekday := extract(dow FROM day)::integer = ANY (expression.weekdays);
        IF (is_day AND is_weekday)
            OR ((is_day OR is_weekday) AND NOT expression.any_day AND NOT expression.any_weekday)
        THEN
            FOREACH candidate IN ARRAY expression.hours LOOP
                CONTINUE WHEN candidate < hour;
                IF candidate > hour THEN RETURN day + make_time(candidate, expression.minutes[1], 0); END IF;
                FOREACH candidate_minute IN ARRAY expression.minutes LOOP
                    IF candidate_minute >= minute THEN RETURN day + make_time(candidate, candidate_minute, 0); END IF;
                END LOOP;
            END LOOP;
        END IF;
        day := day + 1;
        hour := 0;
        minute := 0;
    END LOOP;
    RETURN NULL;
END $$;

CREATE FUNCTION zone_offset(zone text, at timestamptz) RETURNS interval LANGUAGE sql IMMUTABLE STRICT
    RETURN (at AT TIME ZONE zone) - (at AT TIME ZONE 'UTC');

-- The instant in (early, late] from which on the zone has the offset that it has at `late`. There is one such change.
CREATE FUNCTION zone_change(zone text, early timestamptz, late timestamptz) RETURNS timestamptz
LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
    later CONSTANT interval := zone_offset(zone, late);
    before bigint := floor(extract(epoch FROM early));
    after bigint := ceil(extract(epoch FROM late));
    middle bigint;
BEGIN
    WHILE after - before > 1 LOOP
        middle := (before + after) / 2;
        IF zone_offset(zone, to_timestamp(middle)) = later THEN after := middle; ELSE before := middle; END IF;
    END LOOP;
    RETURN to_timestamp(after);
END $$;

-- The first instant at which a zone's clock shows `local`, or, when it skips that time, what comes after it.
CREATE FUNCTION first_instant(local timestamp, zone text, OUT instant timestamptz, OUT is_skipped boolean)
LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
    shown timestamp;
    earlier timestamptz;
BEGIN
    -- PostgreSQL reads a skipped time by the offset before the change, and a repeated one by the offset after it.
    instant := local AT TIME ZONE zone;
    shown := instant AT TIME ZONE zone;
    is_skipped := shown <> local;
    IF is_skipped THEN
        instant := zone_change(zone, instant - make_interval(secs => extract(epoch FROM shown - local)), instant);
    ELSE
        earlier := (local AT TIME ZONE 'UTC') - zone_offset(zone, instant - interval '24 hours');
        IF earlier < instant AND (earlier AT TIME ZONE zone) = local THEN instant := earlier; END IF;
    END IF;
END $$;

CREATE FUNCTION next_tick(cron text, timezone text, after timestamptz) RETURNS timestamptz
LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
    expression CONSTANT cron_expression := parse_cron(cron);
    ahead timestamptz;
    local timestamp;
    first record;
    tick timestamptz;
    repeated timestamptz;
BEGIN
    IF NOT is_time_zone(timezone) THEN
        RAISE EXCEPTION 'there is no time zone %', left(timezone, 64)
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Give an IANA name such as America/Mexico_City, or UTC.';
    END IF;
    IF NOT isfinite(after) THEN RETURN NULL; END IF;
    local := after AT TIME ZONE timezone;
    LOOP
        local := next_cron_time(expression, local);
        EXIT WHEN local IS NULL;
        first := first_instant(local, timezone);
        IF expression.any_hour AND first.is_skipped THEN
            -- Nothing is made up for: on with what the clock shows after the change.
            local := greatest(local, (first.instant AT TIME ZONE timezone) - interval '1 minute');
            CONTINUE;
        END IF;
        tick := CASE WHEN expression.any_hour AND first.instant <= after THEN local AT TIME ZONE timezone
            ELSE first.instant END;
        EXIT WHEN tick > after;
    END LOOP;
    IF local IS NULL THEN tick := NULL; END IF;
    -- The clock may be set back before that, to times that are before `after` on the wall.
    IF expression.any_hour THEN
        ahead := after + interval '24 hours';
        IF zone_offset(timezone, ahead) < zone_offset(timezone, after) THEN
            local := next_cron_time(expression,
                (zone_change(timezone, after, ahead) AT TIME ZONE timezone) - interval '1 microsecond');
            repeated := (local AT TIME ZONE 'UTC') - zone_offset(timezone, ahead);
            IF repeated < tick AND (repeated AT TIME ZONE timezone) = local THEN tick := repeated; END IF;
        END IF;
    END IF;
    RETURN tick;
END $$;
COMMENT ON FUNCTION next_tick IS
    'The first tick of a cron expression in a time zone after an instant; NULL when there is none within five years.';

CREATE FUNCTION next_ticks(cron text, timezone text, after timestamptz DEFAULT now(), count integer DEFAULT 3)
RETURNS SETOF timestamptz LANGUAGE plpgsql STABLE STRICT AS $$
BEGIN
    IF count NOT BETWEEN 0 AND 10000 THEN
        RAISE EXCEPTION 'next_ticks was asked for % ticks', count
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Ask for 0 to 10000.';
    END IF;
    FOR number IN 1 .. count LOOP
        after := next_tick(cron, timezone, after);
        EXIT WHEN after IS NULL;
        RETURN NEXT after;
    END LOOP;
END $$;
COMMENT ON FUNCTION next_ticks IS 'The next ticks of a cron expression in a time zone after an instant.';

-- The last tick in (after, until]; NULL when there is none. Halves the time instead of walking through all ticks of it.
CREATE FUNCTION latest_tick(cron text, timezone text, after timestamptz, until timestamptz) RETURNS timestamptz
LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
    latest timestamptz;
    tick timestamptz := next_tick(cron, timezone, after);
    -- No tick is in (free, until].
    free timestamptz := until;
BEGIN
    WHILE tick <= until LOOP
        latest := tick;
        tick := next_tick(cron, timezone, latest + (free - latest) / 2);
        IF tick <= until THEN CONTINUE; END IF;
        free := latest + (free - latest) / 2;
        tick := next_tick(cron, timezone, latest);
    END LOOP;
    RETURN latest;
END $$;

-- Schedules ----------------------------------------------------------------------------------------------------------

CREATE TABLE schedules (
    name text PRIMARY KEY,
    kind job_kind NOT NULL,
    arguments job_arguments NOT NULL,
    queue job_queue NOT NULL,
    priority job_priority NOT NULL,
    max_attempts job_max_attempts NOT NULL,
    cron text NOT NULL,
    timezone text NOT NULL,
    catch_up interval NOT NULL,
    overlap boolean NOT NULL,
    paused_at timestamptz,
    next_run_at timestamptz,
    last_run_at timestamptz,
    last_job_id bigint,
    last_error text,
    declared text,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- With its prefix it is the unique key of its jobs.
    CONSTRAINT schedule_name_is_1_to_100_bytes CHECK (octet_length(name) BETWEEN 1 AND 100),
    CONSTRAINT schedule_timezone_is_known CHECK (is_time_zone(timezone)),
    CONSTRAINT schedule_catch_up_is_1_minute_to_366_days
        CHECK (catch_up BETWEEN interval '1 minute' AND interval '366 days')
);
COMMENT ON TABLE schedules IS 'What is enqueued at the ticks of a cron expression. Written by set_schedule and its like.';
COMMENT ON COLUMN schedules.next_run_at IS 'The first tick that is still to be looked at; NULL when none is to come.';
COMMENT ON COLUMN schedules.last_run_at IS 'The latest tick for which a job was enqueued; last_job_id is that job.';
COMMENT ON COLUMN schedules.last_error IS 'Why the latest tick could not be enqueued; NULL when it could.';
COMMENT ON COLUMN schedules.declared IS 'Which definition of the code it has had last (schedule_declarations.definition).';
CREATE INDEX schedules_to_tick ON schedules (next_run_at) WHERE paused_at IS NULL;
COMMENT ON COLUMN schedule_ticks.job_id IS
    'Its job. NULL in a schedule of the table schedules: it was passed over, because the job of an earlier one had not ended.';

CREATE TABLE schedule_declarations (
    schedule text NOT NULL,
    definition text NOT NULL,
    declared_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    workers bigint[] NOT NULL,
    PRIMARY KEY (schedule, definition)
);
COMMENT ON TABLE schedule_declarations IS
    'Schedules that the code of workers declares: of the definitions that living workers have, the one first seen last wins.';

CREATE FUNCTION refuse_schedule(is_wrong boolean, problem text, advice text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF is_wrong THEN
        RAISE EXCEPTION '%', problem USING ERRCODE = 'invalid_parameter_value', HINT = advice;
    END IF;
END $$;

CREATE FUNCTION set_schedule(
    name text, cron text, kind text, arguments jsonb DEFAULT '{}', timezone text DEFAULT 'UTC',
    queue text DEFAULT 'default', priority integer DEFAULT 100, max_attempts integer DEFAULT 10,
    catch_up interval DEFAULT '1 hour', overlap boolean DEFAULT false
) RETURNS timestamptz LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
    first_tick timestamptz;
BEGIN
    IF num_nulls(name, cron, kind, arguments, timezone, queue, priority, max_attempts, catch_up, overlap) > 0 THEN
        RAISE EXCEPTION 'an argument of set_schedule is NULL'
            USING ERRCODE = 'null_value_not_allowed', HINT = 'Leave out what shall have its default.';
    END IF;
    PERFORM refuse_schedule(octet_length(name) NOT BETWEEN 1 AND 100, 'the name of the schedule is empty or too long',
        'Give a name of 1 to 100 bytes.');
    PERFORM refuse_schedule(octet_length(kind) NOT BETWEEN 1 AND 100, 'the kind of the job is empty or too long',
        'Give the kind of a handler, of 1 to 100 bytes.');
    PERFORM refuse_schedule(octet_length(queue) NOT BETWEEN 1 AND 100, 'the name of the queue is empty or too long',
        'Give a name of 1 to 100 bytes.');
    PERFORM refuse_schedule(pg_column_size(arguments) > 1048576, 'the arguments of the job are too large',
        'Give at most 1 MiB of JSON.');
    PERFORM refuse_schedule(priority NOT BETWEEN 0 AND 32767, format('priority %s is out of range', priority),
        'Give 0 to 32767; smaller is first.');
    PERFORM refuse_schedule(max_attempts NOT BETWEEN 1 AND 1000, format('max_attempts %s is out of range', max_attempts),
        'Give 1 to 1000.');
    PERFORM refuse_schedule(catch_up NOT BETWEEN interval '1 minute' AND interval '366 days',
        format('catch_up %s is out of range', catch_up),
        'Give 1 minute to 366 days: how late the latest missed tick may still run.');
    first_tick := next_tick(cron, timezone, clock_timestamp());
    PERFORM refuse_schedule(first_tick IS NULL,
        format('the cron expression %s has no tick within five years', cron),
        'Look at its day of month and its month: is there such a day?');
    INSERT INTO schedules AS s (name, kind, arguments, queue, priority, max_attempts, cron, timezone, catch_up, overlap,
        next_run_at)
    VALUES (name, kind, arguments, queue, priority, max_attempts, cron, timezone, catch_up, overlap, first_tick)
    ON CONFLICT ON CONSTRAINT schedules_pkey DO UPDATE SET
        kind = excluded.kind, arguments = excluded.arguments, queue = excluded.queue, priority = excluded.priority,
        max_attempts = excluded.max_attempts, cron = excluded.cron, timezone = excluded.timezone,
        catch_up = excluded.catch_up, overlap = excluded.overlap, last_error = NULL, updated_at = clock_timestamp(),
        -- A tick that is due just now is not lost when the same times are set again.
        next_run_at = CASE WHEN s.cron = excluded.cron AND s.timezone = excluded.timezone
            THEN coalesce(s.next_run_at, excluded.next_run_at) ELSE excluded.next_run_at END
    RETURNING s.next_run_at INTO first_tick;
    RETURN first_tick;
END $$;
COMMENT ON FUNCTION set_schedule IS
    'Creates a schedule, or gives the one of that name this definition; whether it is paused stays. Returns its next tick.';

CREATE FUNCTION lock_schedule(name text) RETURNS schedules LANGUAGE plpgsql AS $$
DECLARE
    schedule schedules;
BEGIN
    SELECT * INTO schedule FROM schedules s WHERE s.name = lock_schedule.name FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no schedule %', coalesce(left(name, 100), 'NULL')
            USING ERRCODE = 'foreign_key_violation', HINT = 'SELECT name FROM schedules lists them.';
    END IF;
    RETURN schedule;
END $$;

CREATE FUNCTION pause_schedule(name text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    schedule schedules := lock_schedule(name);
BEGIN
    UPDATE schedules s SET paused_at = clock_timestamp() WHERE s.name = schedule.name AND s.paused_at IS NULL;
    RETURN FOUND;
END $$;
COMMENT ON FUNCTION pause_schedule IS
    'No tick of the schedule is enqueued until resume_schedule; jobs that wait or run go on. False when it was paused.';

CREATE FUNCTION resume_schedule(name text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    schedule schedules := lock_schedule(name);
BEGIN
    UPDATE schedules s SET paused_at = NULL, next_run_at = next_tick(s.cron, s.timezone, clock_timestamp())
    WHERE s.name = schedule.name AND s.paused_at IS NOT NULL;
    RETURN FOUND;
END $$;
COMMENT ON FUNCTION resume_schedule IS
    'Goes on with the next tick; those of the pause are not made up for. False when it was not paused.';

CREATE FUNCTION remove_schedule(name text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    schedule schedules := lock_schedule(name);
BEGIN
    IF EXISTS (SELECT FROM schedule_declarations d JOIN workers w ON w.id = ANY (d.workers)
        WHERE d.schedule = schedule.name)
    THEN
        RAISE EXCEPTION 'schedule % is declared by workers that run', schedule.name
            USING ERRCODE = 'restrict_violation',
            HINT = 'They would make it again. pause_schedule stops it; it can be removed when their code has it no more.';
    END IF;
    DELETE FROM schedules s WHERE s.name = schedule.name;
    DELETE FROM schedule_declarations d WHERE d.schedule = schedule.name;
END $$;
COMMENT ON FUNCTION remove_schedule IS 'Deletes a schedule. Its jobs that wait or run go on; its ticks stay in schedule_ticks.';

-- For workers --------------------------------------------------------------------------------------------------------

-- Says that the code of a worker has this schedule, and makes it so unless a living worker has a newer definition. True
-- when the schedule was changed. Whoever changes the schedule by set_schedule afterwards wins until the code changes.
CREATE FUNCTION declare_schedule(
    by_worker bigint, name text, cron text, kind text, arguments jsonb, timezone text, queue text, priority integer,
    max_attempts integer, catch_up interval, overlap boolean
) RETURNS boolean LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
    mine CONSTANT text := md5(jsonb_build_array(
        cron, kind, arguments, timezone, queue, priority, max_attempts, extract(epoch FROM catch_up), overlap)::text);
    current text;
    first_seen timestamptz;
BEGIN
    SELECT s.declared INTO current FROM schedules s WHERE s.name = name;
    IF current = mine AND EXISTS (SELECT FROM schedule_declarations d
        WHERE d.schedule = name AND d.definition = mine AND by_worker = ANY (d.workers))
    THEN
        RETURN false;
    END IF;
    -- One at a time: who reads the others' declarations has to see them.
    PERFORM pg_advisory_xact_lock(hashtextextended('operadora: declare_schedule', 0));
    DELETE FROM schedule_declarations d WHERE d.declared_at < clock_timestamp() - interval '30 days'
        AND NOT EXISTS (SELECT FROM workers w WHERE w.id = ANY (d.workers))
        AND (d.schedule, d.definition) <> (name, mine);
    INSERT INTO schedule_declarations AS d (schedule, definition, workers) VALUES (name, mine, ARRAY[by_worker])
    ON CONFLICT (schedule, definition) DO UPDATE SET workers = by_worker
        || ARRAY(SELECT w.id FROM workers w WHERE w.id = ANY (d.workers) AND w.id <> by_worker)
    RETURNING d.declared_at INTO first_seen;
    SELECT s.declared INTO current FROM schedules s WHERE s.name = name;
    IF current = mine OR EXISTS (SELECT FROM schedule_declarations d JOIN workers w ON w.id = ANY (d.workers)
        WHERE d.schedule = name AND d.definition <> mine AND d.declared_at > first_seen)
    THEN
        RETURN false;
    END IF;
    PERFORM set_schedule(name, cron, kind, arguments, timezone, queue, priority, max_attempts, catch_up, overlap);
    UPDATE schedules s SET declared = mine WHERE s.name = name;
    RETURN true;
END $$;

-- Enqueues the due tick of one schedule whose row is locked. NULL when it was passed over.
CREATE FUNCTION enqueue_cron_tick(schedule schedules, current timestamptz, OUT tick timestamptz, OUT job bigint)
LANGUAGE plpgsql AS $$
DECLARE
    job_key CONSTANT text := CASE WHEN NOT schedule.overlap THEN 'schedule:' || schedule.name END;
BEGIN
    tick := latest_tick(schedule.cron, schedule.timezone,
        greatest(schedule.next_run_at - interval '1 microsecond', current - schedule.catch_up), current);
    IF tick IS NULL THEN RETURN; END IF;
    INSERT INTO schedule_ticks (schedule, tick) VALUES (schedule.name, enqueue_cron_tick.tick) ON CONFLICT DO NOTHING;
    IF NOT FOUND OR find_job(job_key) IS NOT NULL THEN RETURN; END IF;
    job := enqueue_job(schedule.kind, schedule.arguments, queue => schedule.queue, priority => schedule.priority,
        max_attempts => schedule.max_attempts, unique_key => job_key);
    UPDATE schedule_ticks t SET job_id = job WHERE t.schedule = schedule.name AND t.tick = enqueue_cron_tick.tick;
END $$;

-- Enqueues what is due, whoever asks: rows that another one is at are skipped. A schedule that cannot be enqueued says why
-- and does not hold up the others.
--   next_in: seconds until the next tick of any schedule, 0 when some is due that another one is at; NULL without any
CREATE FUNCTION enqueue_due_ticks(
    at_most integer, OUT due integer, OUT enqueued integer, OUT failed text[], OUT next_in double precision
) LANGUAGE plpgsql AS $$
DECLARE
    schedule schedules;
    current timestamptz;
    following timestamptz;
    done record;
    reason text;
BEGIN
    due := 0;
    enqueued := 0;
    failed := '{}';
    FOR schedule IN
        SELECT * FROM schedules s WHERE s.paused_at IS NULL AND s.next_run_at <= clock_timestamp()
        ORDER BY s.next_run_at LIMIT at_most FOR UPDATE SKIP LOCKED
    LOOP
        due := due + 1;
        -- Read after the lock was had.
        current := clock_timestamp();
        BEGIN
            following := next_tick(schedule.cron, schedule.timezone, current);
        EXCEPTION WHEN data_exception THEN
            -- The server has lost the zone, and may find it again.
            following := current + interval '1 minute';
        END;
        BEGIN
            done := enqueue_cron_tick(schedule, current);
            UPDATE schedules s SET next_run_at = following, last_error = NULL,
                last_run_at = CASE WHEN done.job IS NULL THEN s.last_run_at ELSE done.tick END,
                last_job_id = coalesce(done.job, s.last_job_id)
            WHERE s.name = schedule.name;
            IF done.job IS NOT NULL THEN enqueued := enqueued + 1; END IF;
        EXCEPTION WHEN data_exception OR integrity_constraint_violation THEN
            GET STACKED DIAGNOSTICS reason = MESSAGE_TEXT;
            failed := failed || schedule.name;
            UPDATE schedules s SET last_error = left(reason, 1000), next_run_at = following WHERE s.name = schedule.name;
        END;
    END LOOP;
    SELECT extract(epoch FROM greatest(min(s.next_run_at) - clock_timestamp(), '0')) INTO next_in
    FROM schedules s WHERE s.paused_at IS NULL HAVING min(s.next_run_at) IS NOT NULL;
END $$;
