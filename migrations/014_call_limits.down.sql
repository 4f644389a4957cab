LOCK TABLE calls, campaigns IN ACCESS EXCLUSIVE MODE;
-- Jobs that wait in lanes are looked at anew by the old begin_dial, which parks those that find no slot.
DROP TRIGGER campaign_takes_its_jobs_along ON campaigns;
DROP TRIGGER campaign_has_an_open_batch_when_started ON campaigns;
DROP TRIGGER campaign_has_its_limit ON campaigns;
DROP TRIGGER call_holds_its_slots_while_under_way ON calls;
SELECT cancel_job(batch) FROM campaigns WHERE batch IS NOT NULL;
UPDATE jobs SET lane = NULL, holder = NULL, state = CASE state WHEN 'limited' THEN 'available' ELSE state END
WHERE kind = 'initiate_call' AND lane IS NOT NULL;
UPDATE finished_jobs SET options = nullif(options - '{limits,holder}'::text[], '{}')
WHERE kind = 'initiate_call' AND options ? 'limits';
DELETE FROM job_slots WHERE holder LIKE 'call:%';
SELECT drop_limit(name) FROM job_limits WHERE name = 'provider' OR name LIKE 'campaign:%';

ALTER TABLE calls ADD COLUMN parked_since timestamptz, ADD COLUMN dial_turn_since timestamptz,
    ADD CONSTRAINT call_waits_for_its_turn_only_while_queued
        CHECK (status = 'queued' OR (parked_since IS NULL AND dial_turn_since IS NULL));
COMMENT ON COLUMN calls.job_id IS 'The initiate_call job that will dial it, unless it is parked.';
COMMENT ON COLUMN calls.parked_since IS 'It has no job and waits, since then, for a slot or a resume of its campaign.';
COMMENT ON COLUMN calls.dial_turn_since IS 'It has one of its campaign''s slots and waits, since then, for calls_per_second.';
CREATE INDEX calls_with_a_slot_by_campaign ON calls (campaign_id, dial_turn_since, id)
    WHERE direction = 'outbound' AND (status IN ('dialing', 'ringing', 'in_progress') OR dial_turn_since IS NOT NULL);
CREATE INDEX calls_parked_by_campaign ON calls (campaign_id, id) WHERE parked_since IS NOT NULL;
ALTER TABLE campaigns DROP COLUMN batch, DROP COLUMN finished_at,
    ADD COLUMN next_dial_at timestamptz NOT NULL DEFAULT '-infinity';
COMMENT ON COLUMN campaigns.next_dial_at IS 'The earliest instant that calls_per_second allows the next dial.';

DROP FUNCTION complete_campaign(bigint, bigint);
DROP FUNCTION finish_campaign(bigint);
DROP FUNCTION has_open_calls(bigint);
DROP FUNCTION has_fresh_slots(bigint, bigint, timestamptz);
DROP FUNCTION enqueue_finalize(bigint, bigint);
DROP FUNCTION enqueue_dial(bigint, bigint, timestamptz);
DROP FUNCTION start_campaign(bigint);
DROP FUNCTION cancel_campaign_jobs();
DROP FUNCTION open_campaign_batch();
DROP FUNCTION drop_campaign_limits(integer);
DROP FUNCTION release_forgotten_calls(integer);
DROP FUNCTION keep_call_slots();
DROP FUNCTION set_campaign_limit();
DROP FUNCTION set_call_limit(text, integer, double precision);
DROP FUNCTION call_limits(bigint);
DROP FUNCTION put_off_jobs(bigint[], timestamptz);
DROP FUNCTION drop_limit(text);

CREATE OR REPLACE FUNCTION lane_of(of_queue text, names text[]) RETURNS bigint LANGUAGE plpgsql AS $$
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

CREATE OR REPLACE FUNCTION claim_limited_jobs(by_worker bigint, of_queue text, known_kinds text[], at_most integer)
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

CREATE OR REPLACE FUNCTION campaign_free_slots(campaign_id bigint) RETURNS integer LANGUAGE sql STABLE AS $$
    SELECT greatest(0, max_concurrent_calls - (
        SELECT count(*) FROM calls
        WHERE calls.campaign_id = campaigns.id AND direction = 'outbound'
            AND (calls.status IN ('dialing', 'ringing', 'in_progress') OR dial_turn_since IS NOT NULL))::integer)
    FROM campaigns WHERE id = campaign_free_slots.campaign_id
$$;
COMMENT ON FUNCTION campaign_free_slots IS 'How many more calls of a campaign may be under way.';

CREATE FUNCTION unpark_calls(campaign_id bigint, most integer) RETURNS integer LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    woken integer := 0;
    parked bigint;
BEGIN
    FOR parked IN
        SELECT id FROM calls
        WHERE calls.campaign_id = unpark_calls.campaign_id AND parked_since IS NOT NULL
        ORDER BY id LIMIT least(most, campaign_free_slots(unpark_calls.campaign_id))
        FOR NO KEY UPDATE SKIP LOCKED
    LOOP
        UPDATE calls SET parked_since = NULL, last_event_at = now(), job_id = enqueue_job('initiate_call',
            jsonb_build_object('call_id', id), queue => 'calls', unique_key => 'initiate:' || id)
        WHERE id = parked;
        woken := woken + 1;
    END LOOP;
    RETURN woken;
END $$;
COMMENT ON FUNCTION campaign_free_slots IS 'How many more calls of a campaign may be under way.';

CREATE OR REPLACE FUNCTION unpark_calls(campaign_id bigint, most integer) RETURNS integer LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    woken integer := 0;
    parked bigint;
BEGIN
    FOR parked IN
        SELECT id FROM calls
        WHERE calls.campaign_id = unpark_calls.campaign_id AND parked_since IS NOT NULL
        ORDER BY id LIMIT least(most, campaign_free_slots(unpark_calls.campaign_id))
        FOR NO KEY UPDATE SKIP LOCKED
    LOOP
        UPDATE calls SET parked_since = NULL, last_event_at = now(), job_id = enqueue_job('initiate_call',
            jsonb_build_object('call_id', id), queue => 'calls', unique_key => 'initiate:' || id)
        WHERE id = parked;
        woken := woken + 1;
    END LOOP;
    RETURN woken;
END $$;
COMMENT ON FUNCTION unpark_calls IS
    'Gives the oldest parked calls of a campaign a job, as many as there are free slots. Its caller holds the campaign row.';

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
    job := enqueue_job('initiate_call', jsonb_build_object('call_id', call_id), queue => 'calls',
        run_at => enqueue_call.run_at, unique_key => 'initiate:' || call_id);
    UPDATE calls SET job_id = job WHERE id = call_id;
    UPDATE leads SET status = 'queued' WHERE id = lead.id AND status <> 'queued';
    UPDATE campaigns SET status = 'running' WHERE id = lead.campaign_id AND status IN ('draft', 'completed');
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

    -- Numbered before they are inserted: a call and its job name each other.
    WITH fresh AS MATERIALIZED (
        SELECT id, phone, language, timezone FROM leads
        WHERE leads.campaign_id = campaign.id AND leads.status = 'new'
            -- One who is calling us just now is not called.
            AND NOT EXISTS (SELECT FROM calls WHERE calls.lead_id = leads.id
                AND calls.status IN ('queued', 'dialing', 'ringing', 'in_progress'))
        ORDER BY id FOR NO KEY UPDATE
    ), numbered AS MATERIALIZED (
        SELECT fresh.*, nextval(pg_get_serial_sequence('calls', 'id')) AS call_id,
            (row_number() OVER (ORDER BY id) - 1) / campaign.calls_per_second AS seconds
        FROM fresh
    ), queued AS MATERIALIZED (
        -- A job for each second's worth of calls: those that would only wait for calls_per_second do not start.
        SELECT numbered.*, enqueue_job('initiate_call', jsonb_build_object('call_id', call_id), queue => 'calls',
            run_at => CASE WHEN seconds > 0 THEN now() + make_interval(secs => seconds) END,
            unique_key => 'initiate:' || call_id) AS job_id
        FROM numbered
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
    ELSIF campaign.status = 'draft' OR launched > 0 THEN
        UPDATE campaigns SET status = 'running' WHERE id = campaign.id AND status <> 'running';
    END IF;
    RETURN launched;
END $$;
COMMENT ON FUNCTION launch_campaign IS
    'Starts a campaign and lets every new lead be called, spaced by calls_per_second. Returns how many were enqueued: only '
    'leads that came since, when repeated. A paused campaign stays paused.';

CREATE OR REPLACE FUNCTION resume_campaign(campaign_id bigint) RETURNS boolean LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    campaign campaigns := lock_campaign(resume_campaign.campaign_id);
BEGIN
    UPDATE campaigns SET status = 'running' WHERE id = campaign.id AND status = 'paused';
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM unpark_calls(campaign.id, campaign.max_concurrent_calls);
    RETURN true;
END $$;

CREATE OR REPLACE FUNCTION end_calls_to_do_not_call() RETURNS trigger LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    waiting record;
BEGIN
    FOR waiting IN
        SELECT id, job_id FROM calls
        WHERE to_phone IN (SELECT phone FROM entered) AND status = 'queued' AND direction = 'outbound'
        ORDER BY id FOR NO KEY UPDATE
    LOOP
        UPDATE calls SET status = 'ended', outcome = 'do_not_call', ended_at = now(), last_event_at = now(),
            parked_since = NULL, dial_turn_since = NULL
        WHERE id = waiting.id;
        PERFORM cancel_job(waiting.job_id) WHERE waiting.job_id IS NOT NULL;
        PERFORM enqueue_job('finalize_call', jsonb_build_object('call_id', waiting.id),
            key => 'call:' || waiting.id, unique_key => 'finalize:' || waiting.id);
    END LOOP;
    UPDATE leads SET status = 'do_not_call' FROM entered
    WHERE leads.phone = entered.phone AND leads.status <> 'do_not_call';
    RETURN NULL;
END $$;

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
    ahead integer;
BEGIN
    SELECT locked.* INTO campaign FROM calls, lock_campaign(calls.campaign_id) AS locked
    WHERE calls.id = begin_dial.call_id AND calls.direction = 'outbound';
    SELECT * INTO call FROM calls WHERE id = begin_dial.call_id FOR NO KEY UPDATE;
    moment := clock_timestamp();
    opening := next_opening(campaign.calling_window, coalesce(call.timezone, default_timezone), moment);
    decision := CASE
        WHEN call.status IS DISTINCT FROM 'queued' THEN 'not_queued'
        WHEN EXISTS (SELECT FROM do_not_call WHERE phone = call.to_phone) THEN 'do_not_call'
        WHEN campaign.status <> 'running' THEN 'parked'
        WHEN opening > moment THEN 'wait'
        WHEN call.dial_turn_since IS NULL AND campaign_free_slots(campaign.id) = 0 THEN 'parked'
        ELSE 'dial'
    END;

    IF decision = 'not_queued' THEN
        RETURN;
    ELSIF decision = 'do_not_call' THEN
        -- Its phone was entered while the call was being enqueued: what waited then has been ended by the entry itself.
        PERFORM end_call(call.id);
        UPDATE calls SET outcome = 'do_not_call' WHERE id = call.id;
        RETURN;
    ELSIF decision = 'parked' THEN
        reason := CASE WHEN campaign.status <> 'running' THEN 'its campaign is ' || campaign.status
            ELSE 'its campaign has no free slot' END;
        UPDATE calls SET parked_since = coalesce(call.parked_since, moment), dial_turn_since = NULL, job_id = NULL,
            last_event_at = moment
        WHERE id = call.id;
        RETURN;
    ELSIF decision = 'wait' THEN
        reason := 'its calling window is closed';
        wait := opening - moment;
    ELSIF EXISTS (SELECT FROM calls WHERE to_phone = call.to_phone AND direction = 'outbound'
            AND status IN ('dialing', 'ringing', 'in_progress')) THEN
        decision := 'wait';
        reason := 'another call to its phone is under way';
        wait := interval '30 s';
    END IF;
    IF decision = 'wait' THEN
        -- It may have been given this turn when a slot became free: the turn goes on to the next.
        UPDATE calls SET dial_turn_since = NULL, last_event_at = moment WHERE id = call.id;
        PERFORM unpark_calls(campaign.id, 1);
        RETURN;
    END IF;

    IF moment < campaign.next_dial_at THEN
        SELECT count(*) INTO ahead FROM calls
        WHERE campaign_id = campaign.id AND direction = 'outbound' AND status = 'queued'
            AND dial_turn_since IS NOT NULL
            AND (dial_turn_since, id) < (coalesce(call.dial_turn_since, moment), call.id);
        decision := 'wait';
        reason := 'calls_per_second';
        wait := campaign.next_dial_at - moment + make_interval(secs => ahead / campaign.calls_per_second);
        UPDATE calls SET dial_turn_since = coalesce(call.dial_turn_since, moment), last_event_at = moment
        WHERE id = call.id;
        RETURN;
    END IF;

    UPDATE calls SET status = 'dialing', dial_intent_at = moment, dial_intents = call.dial_intents + 1,
        dial_turn_since = NULL, parked_since = NULL, started_at = moment, last_event_at = moment, error = NULL,
        provider = begin_dial.provider, from_phone = begin_dial.from_phone,
        language = coalesce(call.language, default_language), timezone = coalesce(call.timezone, default_timezone)
    WHERE id = call.id;
    UPDATE campaigns SET next_dial_at = moment + make_interval(secs => 1 / calls_per_second) WHERE id = campaign.id;
    UPDATE leads SET status = 'calling', attempts = attempts + CASE WHEN call.dial_intents = 0 THEN 1 ELSE 0 END
    WHERE id = call.lead_id;
END $$;
COMMENT ON FUNCTION begin_dial IS
    'Commits the intent to dial when every limit allows it (decision dial), else says why not: wait (for so long), parked '
    '(without a job from now on), do_not_call (it has ended), not_queued.';

CREATE OR REPLACE FUNCTION withdraw_dial(call_id bigint, dial_intent_at timestamptz, was_refused boolean, error text)
RETURNS boolean LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    call calls;
BEGIN
    PERFORM lock_campaign(campaign_id) FROM calls WHERE id = withdraw_dial.call_id;
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
    PERFORM unpark_calls(call.campaign_id, 1);
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
            parked_since = NULL, dial_turn_since = NULL, dial_refusals = 0, last_event_at = now()
        WHERE id = call.id;
    END IF;
    RETURN coalesce(call.provider_call_id, adopt_call.provider_call_id) = adopt_call.provider_call_id;
END $$;

CREATE OR REPLACE FUNCTION end_call(
    call_id bigint, status text DEFAULT 'ended', provider_status text DEFAULT NULL, answered_by text DEFAULT NULL,
    ended_at timestamptz DEFAULT NULL, duration_seconds integer DEFAULT NULL, error text DEFAULT NULL
) RETURNS boolean LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    call calls;
BEGIN
    PERFORM lock_campaign(campaign_id) FROM calls WHERE id = end_call.call_id AND campaign_id IS NOT NULL;
    UPDATE calls SET status = end_call.status, last_event_at = now(), parked_since = NULL, dial_turn_since = NULL,
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
    PERFORM cancel_job(call.job_id) WHERE call.job_id IS NOT NULL AND call.dial_intent_at IS NULL;
    PERFORM enqueue_job('finalize_call', jsonb_build_object('call_id', call.id),
        key => 'call:' || call.id, unique_key => 'finalize:' || call.id);
    PERFORM unpark_calls(call.campaign_id, 1) WHERE call.direction = 'outbound';
    RETURN true;
END $$;
COMMENT ON FUNCTION end_call IS
    'Makes a call final (ended or uncertain), frees its slot and lets finalize_call decide what came of it. False when it '
    'was final already: the first end stands.';

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
    IF stage = 'ended' THEN
        PERFORM lock_campaign(campaign_id) FROM calls
        WHERE calls.id = coalesce(record_call_event.id, record_call_event.call_id) AND campaign_id IS NOT NULL;
    END IF;
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

CREATE OR REPLACE FUNCTION complete_campaign(campaign_id bigint) RETURNS boolean LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    PERFORM lock_campaign(complete_campaign.campaign_id);
    UPDATE campaigns SET status = 'completed'
    WHERE id = complete_campaign.campaign_id AND status = 'running' AND inbound_number IS NULL
        AND NOT EXISTS (SELECT FROM calls WHERE calls.campaign_id = campaigns.id AND finalized_at IS NULL)
        AND NOT EXISTS (SELECT FROM leads WHERE leads.campaign_id = campaigns.id AND leads.status = 'new');
    RETURN FOUND;
END $$;
COMMENT ON FUNCTION complete_campaign IS
    'Completes a running campaign whose leads are all done. One that takes inbound calls is never complete.';

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
    PERFORM unpark_calls(call.campaign_id, 1) WHERE call.campaign_id IS NOT NULL;
    PERFORM complete_campaign(call.campaign_id) WHERE call.campaign_id IS NOT NULL;
    RETURN true;
END $$;
COMMENT ON FUNCTION record_outcome IS
    'Writes what came of a final call, once, and with it what follows: the lead''s status, a redial, the end of the '
    'campaign. False when it was written already.';
