-- How the queue is, for alarms: measured every few seconds by one process, read by all.

CREATE TABLE health_measurements (
    name text NOT NULL,
    queue text NOT NULL DEFAULT '',
    value double precision NOT NULL,
    measured_at timestamptz NOT NULL,
    PRIMARY KEY (name, queue)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
COMMENT ON TABLE health_measurements IS
    'What health() measured last, one row a figure. Measured anew by whoever asks when it is older than it may be.';
COMMENT ON COLUMN health_measurements.queue IS 'Empty for figures of the whole.';

-- The figures now. Each costs a few index probes: nothing is counted beyond 10,000, of a queue only the
-- hundred jobs from the first of each priority on are looked at, and of queues the first hundred by name.
CREATE FUNCTION measure_health() RETURNS TABLE (name text, queue text, value double precision) LANGUAGE sql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off SET jit = off AS $$
    WITH RECURSIVE served AS MATERIALIZED (
        SELECT q.name FROM queues q ORDER BY q.name LIMIT 100
    ), level AS (
        SELECT served.name AS queue, first.priority FROM served CROSS JOIN LATERAL (
            SELECT j.priority::integer FROM jobs j WHERE j.queue = served.name AND j.state = 'available'
            ORDER BY j.priority, j.id LIMIT 1) AS first
        UNION ALL
        SELECT level.queue, next.priority FROM level CROSS JOIN LATERAL (
            SELECT j.priority::integer FROM jobs j
            WHERE j.queue = level.queue AND j.state = 'available' AND j.priority > level.priority
            ORDER BY j.priority, j.id LIMIT 1) AS next
    ), oldest AS (
        SELECT level.queue, min(head.run_at) AS run_at FROM level CROSS JOIN LATERAL (
            SELECT j.run_at FROM jobs j
            -- Not "=": the order would be that of the ids alone then, which another index has for all queues together.
            WHERE j.queue = level.queue AND j.state = 'available' AND j.priority >= level.priority
            ORDER BY j.priority, j.id LIMIT 100) AS head
        GROUP BY level.queue
    ), session AS (
        SELECT a.xact_start, a.backend_xmin FROM pg_stat_activity a
        WHERE a.backend_xmin IS NOT NULL AND a.pid <> pg_backend_pid()
            AND (a.datname = current_database() OR a.datname IS NULL)
            -- A vacuum holds up no other, and is what one waits for.
            AND a.backend_type <> 'autovacuum worker'
    ), prepared AS (
        SELECT p.prepared, p.transaction FROM pg_prepared_xacts p WHERE p.database = current_database()
    )
    SELECT 'queue_waiting', served.name::text, counted.jobs::double precision
    FROM served CROSS JOIN LATERAL (
        SELECT count(*) AS jobs FROM (
            SELECT FROM jobs j WHERE j.queue = served.name AND j.state = 'available' LIMIT 10000) AS seen) AS counted
    UNION ALL
    SELECT 'queue_oldest_wait_seconds', served.name::text,
        coalesce(greatest(extract(epoch FROM clock_timestamp() - oldest.run_at)::double precision, 0), 0)
    FROM served LEFT JOIN oldest ON oldest.queue = served.name
    UNION ALL
    SELECT 'oldest_snapshot_seconds', '', coalesce(extract(epoch FROM clock_timestamp() - least(
        (SELECT min(xact_start) FROM session), (SELECT min(prepared) FROM prepared)))::double precision, 0)
    UNION ALL
    SELECT 'oldest_xmin_transactions', '', coalesce(max(held.age), 0)::double precision FROM (
        SELECT age(backend_xmin) FROM session
        UNION ALL SELECT age(transaction) FROM prepared
        UNION ALL SELECT age(s.xmin) FROM pg_replication_slots s) AS held (age)
    UNION ALL
    SELECT 'workers_alive', '', count(*) FILTER (WHERE heartbeat_at >= clock_timestamp() - dead_after) FROM workers
    UNION ALL
    SELECT 'workers_dead', '', count(*) FILTER (WHERE heartbeat_at < clock_timestamp() - dead_after) FROM workers
$$;
COMMENT ON FUNCTION measure_health IS
    'Measures what health() shows. Sessions of other users are seen by members of pg_read_all_stats only.';

-- The figures as they were at most `max_age` ago. One asker measures, and those who ask meanwhile get what there is: the age
-- of that is a figure too.
CREATE FUNCTION health(max_age interval DEFAULT '15 s')
RETURNS TABLE (name text, queue text, value double precision) LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    IF max_age < interval '0' THEN
        RAISE EXCEPTION 'max_age is negative' USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Give how old the figures may be, such as interval ''15 s''; 0 measures now.';
    END IF;
    IF NOT EXISTS (SELECT FROM health_measurements m WHERE m.measured_at > clock_timestamp() - max_age)
        AND pg_try_advisory_xact_lock(hashtextextended('operadora: health', 0)) THEN
        -- It is measured again soon enough if a crash should undo it.
        PERFORM set_config('synchronous_commit', 'off', true);
        WITH measured AS (
            INSERT INTO health_measurements AS m (name, queue, value, measured_at)
            SELECT now.name, now.queue, now.value, clock_timestamp() FROM measure_health() AS now
            ON CONFLICT (name, queue) DO UPDATE SET value = excluded.value, measured_at = excluded.measured_at
            RETURNING m.name, m.queue
        )
        DELETE FROM health_measurements m
        WHERE NOT EXISTS (SELECT FROM measured WHERE measured.name = m.name AND measured.queue = m.queue);
    END IF;
    RETURN QUERY SELECT m.name, m.queue, m.value FROM health_measurements m
    UNION ALL SELECT 'age_seconds', '', extract(epoch FROM clock_timestamp() - min(m.measured_at))::double precision
    FROM health_measurements m HAVING count(*) > 0;
END $$;
COMMENT ON FUNCTION health IS
    'Figures for alarms: queue_waiting (up to 10,000) and queue_oldest_wait_seconds by queue; oldest_snapshot_seconds and '
    'oldest_xmin_transactions, which keep dead rows from being removed; workers_alive and workers_dead; age_seconds.';
