-- Calls are limited by the queue's own limits: `campaign:ID`, and `provider` for the account through which calls are made.
-- The job that dials a call takes a slot and a token of both in the statement that claims it, for the holder `call:ID`, who
-- keeps the slots until the call is final or its dial is withdrawn. Nothing is parked any more: jobs wait in their lane.
--
-- A campaign's end is a job, too: campaign_finished, which starts when the batch of its finalize_call jobs has ended.
--
-- Locks are taken in one order as a rule: campaign, call, lead, then rows of the queue in its order. Who enqueues a call has its
-- lead first: beside a dial of the same lead PostgreSQL may undo one of the two, which is tried again or told (40P01).
-- Whoever adds leads or calls to a campaign has a share of its row (by their foreign keys) until its transaction ends.

-- First, and in the order of those who end calls: nobody enqueues or ends one meanwhile.
LOCK TABLE calls, campaigns IN ACCESS EXCLUSIVE MODE;

-- The queue ----------------------------------------------------------------------------------------------------------

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
-- keep others from a limit that it shares. Who holds some of the slots needs a token of each limit that it has no slot of.
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
    kept text[];
    missing text[];
    leaving bigint[] := '{}';
    gained boolean := false;
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
            SELECT j.id, held.holder, held.slots
            FROM (SELECT s.holder, count(*) AS slots FROM job_slots s
                WHERE s.limit_name = ANY (slot_names) AND s.holder NOT LIKE 'job:%' GROUP BY s.holder) AS held
            CROSS JOIN LATERAL (
                SELECT j.id, j.priority FROM jobs j
                WHERE j.holder = held.holder AND j.lane + 0 = lane.id AND j.state::text = 'limited'
                    AND j.kind = ANY (known_kinds) AND (j.start_by IS NULL OR j.start_by > clock_timestamp())
                FOR UPDATE SKIP LOCKED) AS j
            WHERE gained OR lane.id = ANY (held_lanes) ORDER BY j.priority, j.id
        LOOP
            EXIT WHEN at_most <= 0;
            -- Held until this is committed. Whose slots are just being let go is passed over, or this would wait for that.
            kept := ARRAY(SELECT s.limit_name FROM job_slots s
                WHERE s.holder = job.holder AND s.limit_name = ANY (slot_names) FOR KEY SHARE SKIP LOCKED);
            IF cardinality(kept) < job.slots THEN
                leaving := leaving || job.id;
                CONTINUE;
            END IF;
            missing := ARRAY(SELECT unnest(slot_names) EXCEPT SELECT unnest(kept));
            CONTINUE WHEN EXISTS (SELECT FROM unnest(missing) AS name WHERE (room ->> name)::integer <= 0);
            INSERT INTO job_slots (limit_name, holder) SELECT unnest(missing), job.holder ON CONFLICT DO NOTHING;
            gained := gained OR cardinality(missing) > 0;
            UPDATE job_limits l SET tokens = limit_tokens(l) - 1, filled_at = clock_timestamp()
            WHERE l.name = ANY (missing) AND l.per_second IS NOT NULL;
            room := room || coalesce((SELECT jsonb_object_agg(name, (room ->> name)::integer - 1)
                FROM unnest(missing) AS name), '{}');
            chosen := chosen || job.id;
            at_most := at_most - 1;
        END LOOP;
        next_ids := ARRAY(
            SELECT j.id FROM jobs j
            WHERE j.lane = lane.id AND j.state = 'limited' AND j.kind = ANY (known_kinds) AND j.id <> ALL (chosen || leaving)
                AND (j.start_by IS NULL OR j.start_by > clock_timestamp())
            ORDER BY j.priority, j.id
            LIMIT greatest(0, least(at_most, (SELECT min((room ->> name)::integer) FROM unnest(lane.limits) AS name)))
            FOR UPDATE SKIP LOCKED);
        CONTINUE WHEN cardinality(next_ids) = 0;
        INSERT INTO job_slots (limit_name, holder)
        SELECT name, coalesce(j.holder, 'job:' || j.id) FROM jobs j CROSS JOIN unnest(slot_names) AS name
        WHERE j.id = ANY (next_ids)
        ON CONFLICT DO NOTHING;
        -- Others of these holders may be in lanes to come.
        gained := gained OR EXISTS (SELECT FROM jobs j WHERE j.id = ANY (next_ids) AND j.holder IS NOT NULL);
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

-- Slots of calls -----------------------------------------------------------------------------------------------------

ALTER TABLE campaigns ADD COLUMN batch bigint, ADD COLUMN finished_at timestamptz, DROP COLUMN next_dial_at;
COMMENT ON COLUMN campaigns.batch IS 'The job campaign_finished, whose batch are the ends of its calls since it was started.';
COMMENT ON COLUMN campaigns.finished_at IS 'When it was completed; NULL while it is not.';
COMMENT ON COLUMN calls.job_id IS 'The initiate_call job that will dial it.';

CREATE FUNCTION call_limits(campaign_id bigint) RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
    SELECT ARRAY['campaign:' || campaign_id, 'provider']
$$;
COMMENT ON FUNCTION call_limits IS 'The limits under which a call of this campaign is dialled.';

CREATE FUNCTION set_call_limit(limit_name text, concurrent_calls integer, calls_per_second double precision) RETURNS void
LANGUAGE sql AS $$
    SELECT set_limit(limit_name, concurrent_calls, calls_per_second,
        coalesce(greatest(1, ceil(calls_per_second / 10)), 1)::integer)
$$;
COMMENT ON FUNCTION set_call_limit IS
    'Sets a limit of calls; NULL is any number. A tenth of a second''s worth may start at once, so that a fast campaign does '
    'not need a claim for each call.';

CREATE FUNCTION set_campaign_limit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_call_limit('campaign:' || NEW.id, CASE NEW.status WHEN 'running' THEN NEW.max_concurrent_calls ELSE 0 END,
        NEW.calls_per_second);
    RETURN NULL;
END $$;
CREATE TRIGGER campaign_has_its_limit AFTER INSERT OR UPDATE OF status, max_concurrent_calls, calls_per_second ON campaigns
    FOR EACH ROW EXECUTE FUNCTION set_campaign_limit();

-- The claim that dials a call has taken them before; a call whose dial was taken back, and was made all the same, takes
-- them here, whatever room there is.
CREATE FUNCTION keep_call_slots() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.status IN ('queued', 'ended', 'uncertain') THEN
        PERFORM release_slots('call:' || NEW.id);
    ELSIF OLD.status = 'queued' THEN
        INSERT INTO job_slots (limit_name, holder)
        SELECT name, 'call:' || NEW.id FROM unnest(call_limits(NEW.campaign_id)) AS name ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER call_holds_its_slots_while_under_way AFTER UPDATE OF status ON calls FOR EACH ROW
    WHEN (OLD.status <> NEW.status AND NEW.direction = 'outbound' AND NEW.campaign_id IS NOT NULL)
    EXECUTE FUNCTION keep_call_slots();

-- A call that waits has slots only for as long as its job runs, or may be claimed without taking them again.
CREATE FUNCTION release_forgotten_calls(at_most integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    forgotten text[] := ARRAY(
        SELECT DISTINCT s.holder FROM job_slots s
        LEFT JOIN calls c ON c.id = CASE WHEN s.holder ~ '^call:[0-9]{1,18}$' THEN substr(s.holder, 6)::bigint END
        WHERE s.holder LIKE 'call:%' AND (c.id IS NULL OR c.status IN ('ended', 'uncertain')
            OR c.status = 'queued' AND NOT EXISTS (
                SELECT FROM jobs j WHERE j.holder = s.holder AND j.state IN ('running', 'available')))
        LIMIT at_most);
BEGIN
    PERFORM release_slots(forgotten);
    RETURN cardinality(forgotten);
END $$;
COMMENT ON FUNCTION release_forgotten_calls IS
    'Releases the slots of holders call:… whose call is final, is not there, or waits for another attempt, and returns how many '
    'holders that were.';

CREATE FUNCTION drop_campaign_limits(at_most integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    unused record;
    dropped integer := 0;
BEGIN
    FOR unused IN
        SELECT l.name, c.id FROM job_limits l
        LEFT JOIN campaigns c ON c.id = CASE WHEN l.name ~ '^campaign:[0-9]{1,18}$' THEN substr(l.name, 10)::bigint END
        WHERE l.name LIKE 'campaign:%' AND (c.id IS NULL OR c.status = 'completed') LIMIT at_most
    LOOP
        -- Whoever starts it again has its row, and makes the limit anew: looked at again when nobody has.
        IF unused.id IS NOT NULL THEN
            PERFORM FROM campaigns c WHERE c.id = unused.id AND c.status = 'completed' FOR UPDATE SKIP LOCKED;
            CONTINUE WHEN NOT FOUND;
        END IF;
        dropped := dropped + drop_limit(unused.name)::integer;
    END LOOP;
    RETURN dropped;
END $$;
COMMENT ON FUNCTION drop_campaign_limits IS
    'Drops the limits of campaigns that are completed or deleted and of which nothing waits, and returns how many.';

-- For launchers --------------------------------------------------------------------------------------------------------

CREATE FUNCTION enqueue_dial(call_id bigint, campaign_id bigint, run_at timestamptz DEFAULT NULL) RETURNS bigint
LANGUAGE sql AS $$
    SELECT enqueue_job('initiate_call', jsonb_build_object('call_id', call_id), queue => 'calls', run_at => run_at,
        unique_key => 'initiate:' || call_id, limits => call_limits(campaign_id), holder => 'call:' || call_id)
$$;
COMMENT ON FUNCTION enqueue_dial IS 'Enqueues the job that dials a call, or finds the one that it has.';

-- A campaign runs with an open batch: what is added after one was closed belongs to the next.
CREATE FUNCTION open_campaign_batch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM job_batches b JOIN jobs j ON j.id = b.id WHERE b.id = NEW.batch AND b.size IS NULL) THEN
        NEW.batch := create_batch('campaign_finished', jsonb_build_object('campaign_id', NEW.id), on_failure => 'run');
    END IF;
    NEW.finished_at := NULL;
    RETURN NEW;
END $$;
CREATE TRIGGER campaign_has_an_open_batch_when_started BEFORE INSERT OR UPDATE OF status ON campaigns
    FOR EACH ROW WHEN (NEW.status = 'running') EXECUTE FUNCTION open_campaign_batch();

-- With its limit paused or its calls gone, its jobs would wait in their lane for ever, or take slots that others need.
CREATE FUNCTION cancel_campaign_jobs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM cancel_job(j.id) FROM job_lanes l JOIN jobs j ON j.lane = l.id WHERE 'campaign:' || OLD.id = ANY (l.limits);
    IF OLD.batch IS NOT NULL THEN PERFORM cancel_job(OLD.batch); END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER campaign_takes_its_jobs_along AFTER DELETE ON campaigns
    FOR EACH ROW EXECUTE FUNCTION cancel_campaign_jobs();

CREATE FUNCTION start_campaign(campaign_id bigint) RETURNS void LANGUAGE sql AS $$
    UPDATE campaigns SET status = 'running'
    WHERE id = campaign_id AND (status IN ('draft', 'completed')
        OR status = 'running' AND EXISTS (SELECT FROM job_batches b WHERE b.id = batch AND b.size IS NOT NULL))
$$;
COMMENT ON FUNCTION start_campaign IS
    'Lets a campaign run to which calls are added, unless it is paused. Its caller has added one, or locked it.';

CREATE OR REPLACE FUNCTION enqueue_call(lead_id bigint, run_at timestamptz DEFAULT NULL) RETURNS bigint LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    lead leads;
    call_id bigint;
    job bigint;
BEGIN
    SELECT * INTO lead FROM leads WHERE id = enqueue_call.lead_id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no lead %', enqueue_call.lead_id
            USING ERRCODE = 'foreign_key_violation', HINT = 'Insert it into leads first.';
    END IF;
    IF EXISTS (SELECT FROM do_not_call WHERE phone = lead.phone) THEN
        RAISE NOTICE 'lead % is not called: its phone is in do_not_call', lead.id;
        RETURN NULL;
    END IF;
    INSERT INTO calls (campaign_id, lead_id, to_phone, language, timezone)
    SELECT campaign.id, lead.id, lead.phone, coalesce(lead.language, campaign.language),
        coalesce(lead.timezone, campaign.timezone)
    FROM campaigns AS campaign WHERE campaign.id = lead.campaign_id
    ON CONFLICT (lead_id) WHERE status IN ('queued', 'dialing', 'ringing', 'in_progress') AND calls.lead_id IS NOT NULL
        DO NOTHING
    RETURNING id INTO call_id;
    IF call_id IS NULL THEN
        RAISE NOTICE 'lead % is not called anew: a call is waiting or under way', lead.id;
        RETURN NULL;
    END IF;
    PERFORM start_campaign(lead.campaign_id);
    job := enqueue_dial(call_id, lead.campaign_id, enqueue_call.run_at);
    UPDATE calls SET job_id = job WHERE id = call_id;
    UPDATE leads SET status = 'queued' WHERE id = lead.id AND status <> 'queued';
    RETURN job;
END $$;

CREATE OR REPLACE FUNCTION launch_campaign(campaign_id bigint) RETURNS integer LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    campaign campaigns := lock_campaign(launch_campaign.campaign_id);
    launched integer;
BEGIN
    UPDATE leads SET status = 'do_not_call'
    WHERE leads.campaign_id = campaign.id AND leads.status = 'new'
        AND EXISTS (SELECT FROM do_not_call WHERE do_not_call.phone = leads.phone);

    IF campaign.status = 'draft'
        OR EXISTS (SELECT FROM leads WHERE leads.campaign_id = campaign.id AND leads.status = 'new') THEN
        PERFORM start_campaign(campaign.id);
    END IF;

    -- Numbered before they are inserted: a call and its job name each other.
    WITH fresh AS MATERIALIZED (
        SELECT id, phone, language, timezone FROM leads
        WHERE leads.campaign_id = campaign.id AND leads.status = 'new'
            -- One who is calling us just now is not called.
            AND NOT EXISTS (SELECT FROM calls WHERE calls.lead_id = leads.id
                AND calls.status IN ('queued', 'dialing', 'ringing', 'in_progress'))
        ORDER BY id FOR NO KEY UPDATE
    ), numbered AS MATERIALIZED (
        SELECT fresh.*, nextval(pg_get_serial_sequence('calls', 'id')) AS call_id FROM fresh
    ), queued AS MATERIALIZED (
        SELECT numbered.*, enqueue_dial(call_id, campaign.id) AS job_id FROM numbered
    ), inserted AS (
        INSERT INTO calls (id, campaign_id, lead_id, to_phone, language, timezone, job_id)
        OVERRIDING SYSTEM VALUE
        SELECT call_id, campaign.id, id, phone, coalesce(language, campaign.language),
            coalesce(timezone, campaign.timezone), job_id
        FROM queued
    )
    UPDATE leads SET status = 'queued' FROM queued WHERE leads.id = queued.id;
    GET DIAGNOSTICS launched = ROW_COUNT;

    IF campaign.status = 'paused' THEN
        RAISE NOTICE 'campaign % is paused: nothing is dialled before resume_campaign(%)', campaign.id, campaign.id;
    END IF;
    RETURN launched;
END $$;
COMMENT ON FUNCTION launch_campaign IS
    'Starts a campaign and lets every new lead be called, in their order. Returns how many were enqueued: only leads that '
    'came since, when repeated. A paused campaign stays paused.';

CREATE OR REPLACE FUNCTION resume_campaign(campaign_id bigint) RETURNS boolean LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    campaign campaigns := lock_campaign(resume_campaign.campaign_id);
BEGIN
    UPDATE campaigns SET status = 'running' WHERE id = campaign.id AND status = 'paused';
    RETURN FOUND;
END $$;

-- The end of a call ----------------------------------------------------------------------------------------------------

CREATE FUNCTION enqueue_finalize(call_id bigint, campaign_id bigint) RETURNS bigint LANGUAGE sql AS $$
    SELECT enqueue_job('finalize_call', jsonb_build_object('call_id', call_id), key => 'call:' || call_id,
        unique_key => 'finalize:' || call_id, batch => (
            -- Closed for a call to us that comes when the campaign is over. It is open while any other has no outcome.
            SELECT b.id FROM campaigns c JOIN job_batches b ON b.id = c.batch
            WHERE c.id = enqueue_finalize.campaign_id AND b.size IS NULL))
$$;
COMMENT ON FUNCTION enqueue_finalize IS 'Enqueues the job that decides what came of a call, in the batch of its campaign.';

CREATE OR REPLACE FUNCTION end_calls_to_do_not_call() RETURNS trigger LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    waiting record;
BEGIN
    FOR waiting IN
        SELECT id, job_id, campaign_id FROM calls
        WHERE to_phone IN (SELECT phone FROM entered) AND status = 'queued' AND direction = 'outbound'
        ORDER BY id FOR NO KEY UPDATE
    LOOP
        UPDATE calls SET status = 'ended', outcome = 'do_not_call', ended_at = now(), last_event_at = now()
        WHERE id = waiting.id;
        PERFORM cancel_job(waiting.job_id) WHERE waiting.job_id IS NOT NULL;
        PERFORM enqueue_finalize(waiting.id, waiting.campaign_id);
    END LOOP;
    UPDATE leads SET status = 'do_not_call' FROM entered
    WHERE leads.phone = entered.phone AND leads.status <> 'do_not_call';
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION end_call(
    call_id bigint, status text DEFAULT 'ended', provider_status text DEFAULT NULL, answered_by text DEFAULT NULL,
    ended_at timestamptz DEFAULT NULL, duration_seconds integer DEFAULT NULL, error text DEFAULT NULL
) RETURNS boolean LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    call calls;
BEGIN
    UPDATE calls SET status = end_call.status, last_event_at = now(),
        provider_status = coalesce(end_call.provider_status, calls.provider_status),
        answered_by = coalesce(end_call.answered_by, calls.answered_by),
        -- A provider's clock may be behind ours: nothing ends before it began.
        ended_at = greatest(least(coalesce(end_call.ended_at, now()), now()), calls.started_at, calls.answered_at),
        -- The word that it was answered may have been lost.
        answered_at = CASE WHEN end_call.provider_status = 'completed' THEN coalesce(calls.answered_at,
            greatest(calls.started_at, least(coalesce(end_call.ended_at, now()), now())
                - make_interval(secs => coalesce(end_call.duration_seconds, 0)))) ELSE calls.answered_at END,
        duration_seconds = coalesce(end_call.duration_seconds, calls.duration_seconds),
        error = coalesce(end_call.error, calls.error)
    WHERE id = end_call.call_id AND calls.status NOT IN ('ended', 'uncertain')
    RETURNING * INTO call;
    IF call.id IS NULL THEN
        RETURN false;
    END IF;
    -- The one that runs may be what ends the call.
    PERFORM cancel_job(j.id) FROM jobs j WHERE j.id = call.job_id AND (call.dial_intent_at IS NULL OR j.state <> 'running');
    PERFORM enqueue_finalize(call.id, call.campaign_id);
    RETURN true;
END $$;
COMMENT ON FUNCTION end_call IS
    'Makes a call final (ended or uncertain), which frees its slots, and lets finalize_call decide what came of it. False when '
    'it was final already: the first end stands.';

CREATE OR REPLACE FUNCTION record_call_event(
    call_id bigint, provider text, provider_call_id text, provider_status text, answered_by text DEFAULT NULL,
    ended_at timestamptz DEFAULT NULL, duration_seconds integer DEFAULT NULL,
    OUT id bigint, OUT status text, OUT answered_by_machine boolean, OUT agent_ended boolean
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    stage text := CASE provider_status WHEN 'queued' THEN 'dialing' WHEN 'initiated' THEN 'dialing'
        WHEN 'ringing' THEN 'ringing' WHEN 'in-progress' THEN 'in_progress' ELSE 'ended' END;
    stages CONSTANT text[] := '{dialing,ringing,in_progress,ended,uncertain}';
BEGIN
    SELECT calls.id INTO id FROM calls
    WHERE calls.provider = record_call_event.provider AND calls.provider_call_id = record_call_event.provider_call_id;
    IF id IS NULL THEN
        id := (SELECT calls.id FROM calls WHERE calls.id = record_call_event.call_id AND provider_call_id IS NULL);
        IF NOT adopt_call(id, record_call_event.provider, record_call_event.provider_call_id) THEN
            id := NULL;
        END IF;
    END IF;
    IF stage = 'ended' THEN
        PERFORM end_call(id, provider_status => record_call_event.provider_status,
            answered_by => record_call_event.answered_by, ended_at => record_call_event.ended_at,
            duration_seconds => record_call_event.duration_seconds);
    ELSE
        UPDATE calls SET last_event_at = now(),
            answered_by = coalesce(calls.answered_by, record_call_event.answered_by),
            ringing_at = CASE stage WHEN 'ringing' THEN coalesce(ringing_at, now()) ELSE ringing_at END,
            answered_at = CASE stage WHEN 'in_progress' THEN coalesce(answered_at, now()) ELSE answered_at END,
            -- Events come in any order: only a later stage is news.
            provider_status = CASE WHEN array_position(stages, stage) >= array_position(stages, calls.status)
                THEN record_call_event.provider_status ELSE calls.provider_status END,
            status = stages[greatest(array_position(stages, stage), array_position(stages, calls.status))]
        WHERE calls.id = record_call_event.id AND calls.status NOT IN ('ended', 'uncertain');
    END IF;
    SELECT calls.status, coalesce(calls.answered_by ~ '^(machine|fax)', false), calls.agent_ended
    INTO status, answered_by_machine, agent_ended FROM calls WHERE calls.id = record_call_event.id;
END $$;

CREATE FUNCTION has_open_calls(campaign_id bigint) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM calls WHERE calls.campaign_id = has_open_calls.campaign_id AND finalized_at IS NULL)
        OR EXISTS (SELECT FROM leads WHERE leads.campaign_id = has_open_calls.campaign_id AND status = 'new')
$$;
COMMENT ON FUNCTION has_open_calls IS 'Whether a campaign has calls without an outcome, or leads to call.';

CREATE FUNCTION finish_campaign(campaign_id bigint) RETURNS boolean LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    campaign campaigns;
BEGIN
    IF has_open_calls(finish_campaign.campaign_id) THEN
        RETURN false;
    END IF;
    -- While somebody adds leads or calls it is not finished; when it is had, what they added can be seen.
    SELECT * INTO campaign FROM campaigns WHERE id = finish_campaign.campaign_id FOR UPDATE SKIP LOCKED;
    IF campaign.status IS DISTINCT FROM 'running' OR campaign.inbound_number IS NOT NULL
        OR has_open_calls(campaign.id) THEN
        RETURN false;
    END IF;
    IF NOT EXISTS (SELECT FROM jobs WHERE id = campaign.batch) THEN
        -- Somebody cancelled the job, or it failed.
        UPDATE campaigns SET status = 'running' WHERE id = campaign.id RETURNING batch INTO campaign.batch;
    END IF;
    PERFORM close_batch(campaign.batch);
    RETURN true;
END $$;
COMMENT ON FUNCTION finish_campaign IS
    'Closes the batch of a running campaign whose leads are all done: campaign_finished starts when the last finalize_call has '
    'ended. One that takes inbound calls is never finished.';

CREATE FUNCTION complete_campaign(campaign_id bigint, batch bigint) RETURNS boolean LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    -- Waits for those who add leads or calls; what they added is seen by the next statement.
    PERFORM FROM campaigns WHERE id = complete_campaign.campaign_id FOR UPDATE;
    UPDATE campaigns SET status = 'completed', finished_at = now()
    WHERE id = complete_campaign.campaign_id AND campaigns.batch = complete_campaign.batch AND status = 'running'
        AND NOT has_open_calls(complete_campaign.campaign_id);
    RETURN FOUND;
END $$;
COMMENT ON FUNCTION complete_campaign(bigint, bigint) IS
    'Completes the campaign whose batch has ended. False when calls were added since it was closed, or somebody paused it.';

CREATE OR REPLACE FUNCTION record_outcome(
    call_id bigint, outcome text, summary text, extracted jsonb, model_cost numeric, cost_currency text,
    telephony_cost numeric DEFAULT NULL, telephony_currency text DEFAULT NULL, duration_seconds integer DEFAULT NULL
) RETURNS boolean LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    call calls;
    redial interval;
BEGIN
    PERFORM lock_campaign(campaign_id) FROM calls WHERE id = record_outcome.call_id AND campaign_id IS NOT NULL;
    UPDATE calls SET outcome = coalesce(calls.outcome, record_outcome.outcome), summary = record_outcome.summary,
        extracted = record_outcome.extracted, model_cost = record_outcome.model_cost,
        cost_currency = record_outcome.cost_currency, finalized_at = now(),
        duration_seconds = coalesce(calls.duration_seconds, record_outcome.duration_seconds)
    WHERE id = record_outcome.call_id AND finalized_at IS NULL AND status IN ('ended', 'uncertain')
    RETURNING * INTO call;
    IF call.id IS NULL THEN
        RETURN false;
    END IF;
    PERFORM record_telephony_cost(call.id, record_outcome.telephony_cost, record_outcome.telephony_currency);
    IF call.outcome = 'do_not_call' THEN
        -- Who calls us may hide their number.
        PERFORM record_do_not_call(phone, 'asked in call ' || call.id)
        FROM (VALUES (CASE call.direction WHEN 'inbound' THEN call.from_phone ELSE call.to_phone END)) AS caller (phone)
        WHERE phone ~ '^\+[1-9][0-9]{6,14}$';
    ELSIF call.lead_id IS NOT NULL THEN
        UPDATE leads SET status = 'done' WHERE id = call.lead_id AND status <> 'do_not_call';
        redial := redial_wait(call.id);
        PERFORM enqueue_call(call.lead_id, now() + redial) WHERE redial IS NOT NULL;
    END IF;
    PERFORM finish_campaign(call.campaign_id) WHERE call.campaign_id IS NOT NULL;
    RETURN true;
END $$;
COMMENT ON FUNCTION record_outcome IS
    'Writes what came of a final call, once, and with it what follows: the lead''s status, a redial, the close of the '
    'campaign''s batch. False when it was written already.';

-- Dialling -------------------------------------------------------------------------------------------------------------

-- Whether the slots that a limit asks for are held, and were taken just now, with the tokens: a job that lay in a stopped worker
-- would spend tokens of long ago all at once.
CREATE FUNCTION has_fresh_slots(call_id bigint, campaign_id bigint, at timestamptz) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT NOT EXISTS (
        SELECT FROM job_limits l LEFT JOIN job_slots s ON s.limit_name = l.name AND s.holder = 'call:' || call_id
        WHERE l.name = ANY (call_limits(campaign_id)) AND l.slots IS NOT NULL
            AND (s.taken_at IS NULL OR s.taken_at < at - interval '5 s'))
$$;

-- As before, but slots and tokens were taken by the claim: here it is checked that they are there.
CREATE OR REPLACE FUNCTION begin_dial(
    call_id bigint, provider text, from_phone text, default_language text, default_timezone text,
    OUT decision text, OUT wait interval, OUT reason text
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    campaign campaigns;
    call calls;
    moment timestamptz;
    opening timestamptz;
BEGIN
    SELECT locked.* INTO campaign FROM calls, lock_campaign(calls.campaign_id) AS locked
    WHERE calls.id = begin_dial.call_id AND calls.direction = 'outbound';
    SELECT * INTO call FROM calls WHERE id = begin_dial.call_id FOR NO KEY UPDATE;
    moment := clock_timestamp();
    opening := next_opening(campaign.calling_window, coalesce(call.timezone, default_timezone), moment);
    decision := CASE
        WHEN call.status IS DISTINCT FROM 'queued' THEN 'not_queued'
        WHEN EXISTS (SELECT FROM do_not_call WHERE phone = call.to_phone) THEN 'do_not_call'
        ELSE 'wait'
    END;

    IF decision = 'not_queued' THEN
        -- Claimed when it was over: nobody else would release what the claim took.
        PERFORM release_slots('call:' || begin_dial.call_id)
        WHERE call.status IS NULL OR call.status IN ('ended', 'uncertain');
        RETURN;
    ELSIF decision = 'do_not_call' THEN
        -- Its phone was entered while the call was being enqueued: what waited then has been ended by the entry itself.
        PERFORM end_call(call.id);
        UPDATE calls SET outcome = 'do_not_call' WHERE id = call.id;
        RETURN;
    ELSIF campaign.status <> 'running' THEN
        reason := 'its campaign is ' || campaign.status;
        wait := interval '1 s';
    ELSIF opening > moment THEN
        reason := 'its calling window is closed';
        wait := opening - moment;
        -- So is that of others in the line, each of which would take a token to find out.
        PERFORM put_off_jobs(ARRAY(
            SELECT j.id FROM calls c JOIN jobs j ON j.id = c.job_id AND j.state = 'limited'
            WHERE c.campaign_id = campaign.id AND c.finalized_at IS NULL AND c.status = 'queued'
                AND c.timezone IS NOT DISTINCT FROM call.timezone LIMIT 10000), opening);
    ELSIF EXISTS (SELECT FROM calls WHERE to_phone = call.to_phone AND direction = 'outbound'
            AND status IN ('dialing', 'ringing', 'in_progress')) THEN
        reason := 'another call to its phone is under way';
        wait := interval '30 s';
    ELSIF NOT has_fresh_slots(call.id, campaign.id, moment) THEN
        reason := 'its slots were not taken just now';
        wait := interval '1 s';
    ELSE
        decision := 'dial';
    END IF;
    IF decision = 'wait' THEN
        PERFORM release_slots('call:' || call.id);
        -- Workers of the version before enqueue without limits.
        UPDATE jobs SET lane = lane_of(queue, call_limits(campaign.id)), holder = 'call:' || call.id
        WHERE unique_key = 'initiate:' || call.id AND lane IS NULL;
        UPDATE calls SET last_event_at = moment WHERE id = call.id;
        RETURN;
    END IF;

    UPDATE calls SET status = 'dialing', dial_intent_at = moment, dial_intents = call.dial_intents + 1,
        started_at = moment, last_event_at = moment, error = NULL,
        provider = begin_dial.provider, from_phone = begin_dial.from_phone,
        language = coalesce(call.language, default_language), timezone = coalesce(call.timezone, default_timezone)
    WHERE id = call.id;
    UPDATE leads SET status = 'calling', attempts = attempts + CASE WHEN call.dial_intents = 0 THEN 1 ELSE 0 END
    WHERE id = call.lead_id;
END $$;
COMMENT ON FUNCTION begin_dial IS
    'Commits the intent to dial when every limit allows it (decision dial), else says why not: wait (for so long, without '
    'slots), do_not_call (it has ended), not_queued.';

CREATE OR REPLACE FUNCTION withdraw_dial(call_id bigint, dial_intent_at timestamptz, was_refused boolean, error text)
RETURNS boolean LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    call calls;
BEGIN
    UPDATE calls SET status = 'queued', dial_intent_at = NULL, started_at = NULL, last_event_at = now(),
        dial_intents = dial_intents - was_refused::integer, dial_refusals = dial_refusals + was_refused::integer,
        error = withdraw_dial.error
    WHERE id = withdraw_dial.call_id AND status = 'dialing' AND provider_call_id IS NULL
        AND calls.dial_intent_at = withdraw_dial.dial_intent_at
    RETURNING * INTO call;
    IF call.id IS NULL THEN
        RETURN false;
    END IF;
    UPDATE leads SET status = 'queued', attempts = attempts - CASE WHEN call.dial_intents = 0 THEN 1 ELSE 0 END
    WHERE id = call.lead_id;
    RETURN true;
END $$;

CREATE OR REPLACE FUNCTION adopt_call(call_id bigint, provider text, provider_call_id text) RETURNS boolean LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    call calls;
BEGIN
    SELECT * INTO call FROM calls WHERE id = adopt_call.call_id FOR NO KEY UPDATE;
    IF call.direction = 'outbound' AND call.from_phone IS NULL THEN
        RETURN false;
    ELSIF call.provider_call_id IS NULL THEN
        -- A call whose dial was taken back, and was made all the same, goes on as dialled.
        UPDATE calls SET provider = adopt_call.provider, provider_call_id = adopt_call.provider_call_id,
            status = CASE call.status WHEN 'queued' THEN 'dialing' ELSE call.status END,
            dial_intent_at = coalesce(call.dial_intent_at, now()), started_at = coalesce(call.started_at, now()),
            dial_refusals = 0, last_event_at = now()
        WHERE id = call.id;
    END IF;
    RETURN coalesce(call.provider_call_id, adopt_call.provider_call_id) = adopt_call.provider_call_id;
END $$;

-- What there is ----------------------------------------------------------------------------------------------------------

SELECT set_limit('provider');
-- The limits of all campaigns that go on, and a batch for those that run.
UPDATE campaigns SET status = status WHERE status <> 'completed' OR has_open_calls(id);
INSERT INTO job_slots (limit_name, holder)
SELECT name, 'call:' || id FROM calls CROSS JOIN unnest(call_limits(campaign_id)) AS name
WHERE direction = 'outbound' AND status IN ('dialing', 'ringing', 'in_progress') AND campaign_id IS NOT NULL;

-- Jobs that wait to dial get into their lanes; those that run have theirs when they come back.
WITH dial AS MATERIALIZED (
    SELECT j.id, j.queue, c.id AS call_id, c.campaign_id FROM jobs j JOIN calls c ON j.unique_key = 'initiate:' || c.id
    WHERE j.kind = 'initiate_call' AND j.lane IS NULL AND c.campaign_id IS NOT NULL
), lane AS MATERIALIZED (
    SELECT queue, campaign_id, lane_of(queue, call_limits(campaign_id)) AS id
    FROM (SELECT DISTINCT queue, campaign_id FROM dial) AS used
)
UPDATE jobs j SET lane = lane.id, holder = 'call:' || dial.call_id,
    state = CASE j.state WHEN 'available' THEN ready_state(lane.id, 'call:' || dial.call_id, j.id) ELSE j.state END
FROM dial JOIN lane USING (queue, campaign_id) WHERE j.id = dial.id;

-- Parked calls had none.
UPDATE calls SET job_id = enqueue_dial(parked.id, parked.campaign_id), last_event_at = now()
FROM (SELECT id, campaign_id FROM calls WHERE parked_since IS NOT NULL ORDER BY id) AS parked WHERE calls.id = parked.id;

ALTER TABLE calls DROP CONSTRAINT call_waits_for_its_turn_only_while_queued, DROP COLUMN parked_since,
    DROP COLUMN dial_turn_since;
DROP FUNCTION unpark_calls(bigint, integer);
DROP FUNCTION campaign_free_slots(bigint);
DROP FUNCTION complete_campaign(bigint);
