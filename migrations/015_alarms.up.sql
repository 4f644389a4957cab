-- Alarms on the figures of health(): raised once and told once, whichever process looks.

CREATE TABLE alarm_states (
    name text NOT NULL,
    queue text NOT NULL DEFAULT '',
    over_since timestamptz NOT NULL DEFAULT clock_timestamp(),
    raised_at timestamptz,
    PRIMARY KEY (name, queue)
);
COMMENT ON TABLE alarm_states IS 'Thresholds that were crossed when watch_alarms() last looked. No row: not crossed.';
COMMENT ON COLUMN alarm_states.queue IS 'Empty for alarms of the whole.';
COMMENT ON COLUMN alarm_states.raised_at IS 'NULL until it has been crossed for as long as it must be.';

-- Each alarm, crossed or not. A paused queue lets its jobs wait because it was told to.
CREATE FUNCTION alarms(
    snapshot_seconds double precision DEFAULT 300, xmin_transactions double precision DEFAULT 1000000,
    wait_seconds double precision DEFAULT 60, queue_wait_seconds jsonb DEFAULT '{"turns": 5}',
    dead_workers double precision DEFAULT 1
) RETURNS TABLE (
    name text, queue text, value double precision, threshold double precision, is_over boolean, raised_at timestamptz, advice text
) LANGUAGE sql AS $$
    SELECT rule.name, figure.queue, figure.value, rule.threshold,
        figure.value >= rule.threshold AND figure.value > 0
            AND NOT EXISTS (SELECT FROM queues q WHERE q.name = figure.queue AND q.paused_at IS NOT NULL),
        s.raised_at, rule.advice
    FROM health() AS figure
    JOIN LATERAL (VALUES
        ('oldest_snapshot', 'oldest_snapshot_seconds', snapshot_seconds,
            'end the oldest transaction of pg_stat_activity (see backend_xmin, xact_start) or of pg_prepared_xacts'),
        ('oldest_xmin', 'oldest_xmin_transactions', xmin_transactions,
            'end the oldest transaction, or drop the replication slot or the standby that keeps dead rows'),
        ('oldest_wait', 'queue_oldest_wait_seconds',
            coalesce((queue_wait_seconds->>figure.queue)::double precision, wait_seconds),
            'start more workers that serve the queue, or give it more slots (WORKER_QUEUES)'),
        ('dead_workers', 'workers_dead', dead_workers,
            'start a worker: it takes the jobs of the dead ones over; the log of those says why they died')
    ) AS rule (name, figure, threshold, advice) ON rule.figure = figure.name
    LEFT JOIN alarm_states s ON s.name = rule.name AND s.queue = figure.queue
    ORDER BY 1, 2
$$;
COMMENT ON FUNCTION alarms IS
    'The figures of health() beside their thresholds: is_over says whether one is crossed now, raised_at since when the processes, '
    'whose thresholds may differ, say so. queue_wait_seconds has queues with a threshold of their own.';

-- The same, for processes that tell of it. One looks at a time, and it alone is told what `has_changed`; the others get what is known
-- and wait for nobody.
-- An alarm is raised when it has been crossed for `hold`, and is over as soon as it is not.
CREATE FUNCTION watch_alarms(
    hold interval, snapshot_seconds double precision, xmin_transactions double precision, wait_seconds double precision,
    queue_wait_seconds jsonb, dead_workers double precision
) RETURNS TABLE (
    name text, queue text, value double precision, threshold double precision, is_raised boolean, has_changed boolean, advice text
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    looks CONSTANT boolean := pg_try_advisory_xact_lock(hashtextextended('operadora: alarms', 0));
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    RETURN QUERY
    WITH current AS MATERIALIZED (
        SELECT * FROM alarms(watch_alarms.snapshot_seconds, watch_alarms.xmin_transactions, watch_alarms.wait_seconds,
            watch_alarms.queue_wait_seconds, watch_alarms.dead_workers)
    ), crossed AS (
        INSERT INTO alarm_states AS s (name, queue, raised_at)
        SELECT c.name, c.queue, CASE WHEN watch_alarms.hold <= interval '0' THEN clock_timestamp() END
        FROM current c WHERE looks AND c.is_over AND c.raised_at IS NULL
        ON CONFLICT (name, queue) DO UPDATE SET raised_at = clock_timestamp()
            WHERE s.raised_at IS NULL AND s.over_since <= clock_timestamp() - watch_alarms.hold
        RETURNING s.name, s.queue, s.raised_at
    ), ended AS (
        DELETE FROM alarm_states s
        WHERE looks AND NOT EXISTS (
            SELECT FROM current c WHERE c.name = s.name AND c.queue = s.queue AND c.is_over)
        RETURNING s.name, s.queue, s.raised_at
    )
    SELECT c.name, c.queue, c.value, c.threshold,
        crossed.raised_at IS NOT NULL OR (c.raised_at IS NOT NULL AND ended.name IS NULL),
        crossed.raised_at IS NOT NULL OR ended.raised_at IS NOT NULL, c.advice
    FROM current c LEFT JOIN crossed USING (name, queue) LEFT JOIN ended USING (name, queue);
END $$;
