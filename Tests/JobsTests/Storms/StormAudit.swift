import Postgres

/// What the tables of a storm went through, written down by triggers in the very transactions that did it: what a crash
/// undoes is undone here too. The clock is the database's.
enum StormAudit {
    static let tables = """
        CREATE TABLE runs (
            job_id bigint NOT NULL, attempt bigint NOT NULL, process bigint NOT NULL, step bigint NOT NULL,
            started_at timestamptz NOT NULL DEFAULT clock_timestamp(), ended_at timestamptz,
            server_started_at timestamptz NOT NULL DEFAULT pg_postmaster_start_time()
        );
        CREATE INDEX ON runs (job_id);
        CREATE TABLE effects (job_id bigint NOT NULL, attempt bigint NOT NULL);

        CREATE TABLE job_events (
            number bigserial PRIMARY KEY,
            at timestamptz NOT NULL,
            event text NOT NULL,
            from_state job_state,
            worker_lives boolean,
            slots_missing integer,
            limits text[],
            LIKE jobs
        );
        CREATE INDEX ON job_events (id);
        CREATE FUNCTION audit_jobs() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            seen jobs := CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
            event text := CASE WHEN TG_OP = 'INSERT' THEN 'enqueued' WHEN TG_OP = 'DELETE' THEN 'ended'
                WHEN NEW.state = 'running' AND NEW.attempt > OLD.attempt THEN 'claimed'
                -- What a worker was given to end, and never heard of, it leaves to nobody: release_unheld_jobs.
                WHEN NEW.state = 'running' AND NEW.worker IS DISTINCT FROM OLD.worker AND NEW.claims = OLD.claims
                    AND NOT EXISTS (SELECT FROM workers w WHERE w.id = NEW.worker) THEN 'left'
                WHEN NEW.state = 'running' AND NEW.worker IS DISTINCT FROM OLD.worker THEN 'adopted'
                WHEN NEW.state = 'running' OR OLD.state <> 'running' THEN 'changed'
                WHEN NEW.attempt < OLD.attempt THEN 'unspent' ELSE 'back' END;
            names text[] := (SELECT l.limits FROM job_lanes l WHERE l.id = seen.lane);
            missing integer := (SELECT count(*) FROM job_limits l WHERE l.name = ANY (names) AND l.slots IS NOT NULL
                AND NOT EXISTS (SELECT FROM job_slots s WHERE s.limit_name = l.name
                    AND s.holder = coalesce(seen.holder, 'job:' || seen.id)));
        BEGIN
            INSERT INTO job_events SELECT nextval('job_events_number_seq'), clock_timestamp(), event,
                CASE WHEN TG_OP <> 'INSERT' THEN OLD.state END,
                TG_OP = 'UPDATE' AND EXISTS (SELECT FROM workers w WHERE w.id = OLD.worker), missing, names, seen.*;
            RETURN NULL;
        END $$;
        CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON jobs FOR EACH ROW EXECUTE FUNCTION audit_jobs();

        CREATE TABLE slot_uses (
            limit_name text NOT NULL, holder text NOT NULL,
            taken_at timestamptz NOT NULL DEFAULT clock_timestamp(), released_at timestamptz
        );
        CREATE INDEX ON slot_uses (holder);
        CREATE FUNCTION audit_slots() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'INSERT' THEN
                INSERT INTO slot_uses (limit_name, holder) VALUES (NEW.limit_name, NEW.holder);
            ELSE
                UPDATE slot_uses SET released_at = clock_timestamp()
                WHERE limit_name = OLD.limit_name AND holder = OLD.holder AND released_at IS NULL;
            END IF;
            RETURN NULL;
        END $$;
        CREATE TRIGGER audit AFTER INSERT OR DELETE ON job_slots FOR EACH ROW EXECUTE FUNCTION audit_slots();

        CREATE TABLE gone_workers (silent_for interval NOT NULL, dead_after interval NOT NULL);
        CREATE FUNCTION audit_workers() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            -- Those that sign off do it themselves.
            IF current_query() LIKE '%bury_workers%' THEN
                INSERT INTO gone_workers VALUES (clock_timestamp() - OLD.heartbeat_at, OLD.dead_after);
            END IF;
            RETURN NULL;
        END $$;
        CREATE TRIGGER audit AFTER DELETE ON workers FOR EACH ROW EXECUTE FUNCTION audit_workers();

        -- What the launcher was told, by the launcher, when the storm is over.
        CREATE TABLE told_jobs (id bigint NOT NULL, number bigint NOT NULL, is_shared boolean NOT NULL);
        CREATE TABLE told_chains (id bigint NOT NULL, depends_on bigint NOT NULL, runs_anyway boolean NOT NULL);
        CREATE TABLE told_batches (id bigint NOT NULL, member bigint, runs_anyway boolean NOT NULL);
        CREATE TABLE told_cancels (id bigint NOT NULL, at timestamptz NOT NULL);
        CREATE TABLE told_pauses (queue text NOT NULL, paused_at timestamptz NOT NULL, resumed_at timestamptz NOT NULL);
        """
}
