-- All calls carry limits: without a worker their jobs waited unseen.

-- The figures now. Each costs a few index probes: nothing is counted beyond 10,000, of a queue only the
-- hundred jobs from the first of each priority on are looked at, and of queues the first hundred by name.
CREATE OR REPLACE FUNCTION measure_health() RETURNS TABLE (name text, queue text, value double precision) LANGUAGE sql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off SET jit = off AS $$
    WITH RECURSIVE served AS MATERIALIZED (
        -- A queue that no worker has served yet is not in queues.
        SELECT name FROM (SELECT q.name FROM queues q UNION SELECT l.queue FROM job_lanes l) AS known ORDER BY name LIMIT 100
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
    ), unserved AS (
        -- What waits for a limit waits for a worker that gives it out: where there is none, it is late however free the limit is.
        SELECT served.name AS queue, min(first.run_at) AS run_at FROM served
        CROSS JOIN LATERAL (SELECT l.id FROM job_lanes l WHERE l.queue = served.name LIMIT 1000) AS lane
        CROSS JOIN LATERAL (
            SELECT j.run_at FROM jobs j WHERE j.lane = lane.id AND j.state = 'limited' ORDER BY j.priority, j.id LIMIT 1) AS first
        WHERE NOT EXISTS (SELECT FROM workers w
            WHERE served.name = ANY (w.queues) AND w.heartbeat_at >= clock_timestamp() - w.dead_after)
        GROUP BY served.name
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
        coalesce(greatest(extract(epoch FROM clock_timestamp() - least(oldest.run_at, unserved.run_at))::double precision, 0), 0)
    FROM served LEFT JOIN oldest ON oldest.queue = served.name LEFT JOIN unserved ON unserved.queue = served.name
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
