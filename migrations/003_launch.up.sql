-- How a call comes to be dialled, step by step, and how it ends: launchers call the functions at the top, the handlers of
-- initiate_call, record_call_status and finalize_call those below.
--
-- Slots. A campaign has max_concurrent_calls slots. A call takes one when it may be dialled (dial_turn_since) and holds it
-- until it is final: counted over rows, never in a counter that a crash could leave wrong. A call that finds no slot, or
-- its campaign paused, is parked: it keeps no job, and whoever frees a slot or resumes the campaign gives the oldest
-- parked call a new job in the same transaction, so no wake-up can be lost.
--
-- Locks are taken in one order, so that they cannot form a circle: campaign, call, lead. Parked calls are taken with
-- SKIP LOCKED. FOR NO KEY UPDATE leaves launchers free to insert leads and calls of a campaign meanwhile.

CREATE FUNCTION campaign_free_slots(campaign_id bigint) RETURNS integer LANGUAGE sql STABLE AS $$
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
COMMENT ON FUNCTION unpark_calls IS
    'Gives the oldest parked calls of a campaign a job, as many as there are free slots. Its caller holds the campaign row.';

CREATE FUNCTION lock_campaign(campaign_id bigint) RETURNS campaigns LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    campaign campaigns;
BEGIN
    SELECT * INTO campaign FROM campaigns WHERE id = campaign_id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no campaign %', campaign_id
            USING ERRCODE = 'foreign_key_violation', HINT = 'SELECT id, name FROM campaigns lists them.';
    END IF;
    RETURN campaign;
END $$;
COMMENT ON FUNCTION lock_campaign IS 'Locks a campaign against other dials, ends and changes of status of its calls.';

-- For launchers --------------------------------------------------------------------------------------------------

CREATE FUNCTION enqueue_call(lead_id bigint, run_at timestamptz DEFAULT NULL) RETURNS bigint LANGUAGE plpgsql AS $$
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
COMMENT ON FUNCTION enqueue_call IS
    'Lets a lead be called, now or at run_at, and starts its campaign unless that is paused. Returns the job, or NULL with '
    'a NOTICE when the lead is on do_not_call, or a call to it waits or is under way.';

CREATE FUNCTION launch_campaign(campaign_id bigint) RETURNS integer LANGUAGE plpgsql AS $$
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

CREATE FUNCTION pause_campaign(campaign_id bigint) RETURNS boolean LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    campaign campaigns := lock_campaign(pause_campaign.campaign_id);
BEGIN
    UPDATE campaigns SET status = 'paused' WHERE id = campaign.id AND status = 'running';
    RETURN FOUND;
END $$;
COMMENT ON FUNCTION pause_campaign IS
    'Lets nothing more be dialled; calls under way go on. False when the campaign was not running.';

CREATE FUNCTION resume_campaign(campaign_id bigint) RETURNS boolean LANGUAGE plpgsql AS $$
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
COMMENT ON FUNCTION resume_campaign IS 'Lets a paused campaign go on. False when it was not paused.';

-- Do not call ----------------------------------------------------------------------------------------------------

-- A dial that is being decided holds the row of its call: that call is either ended here or was under way before.
CREATE FUNCTION end_calls_to_do_not_call() RETURNS trigger LANGUAGE plpgsql AS $$
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
COMMENT ON FUNCTION end_calls_to_do_not_call IS 'Ends what waits for phones that come to do_not_call, whoever enters them.';
CREATE TRIGGER calls_to_do_not_call_end AFTER INSERT ON do_not_call
    REFERENCING NEW TABLE AS entered FOR EACH STATEMENT EXECUTE FUNCTION end_calls_to_do_not_call();

CREATE FUNCTION record_do_not_call(phone text, reason text DEFAULT '') RETURNS boolean LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    INSERT INTO do_not_call (phone, reason) VALUES (record_do_not_call.phone, record_do_not_call.reason)
    ON CONFLICT DO NOTHING;
    RETURN FOUND;
END $$;
COMMENT ON FUNCTION record_do_not_call IS
    'Never call this phone (E.164) again; what waits for it is cancelled in this transaction. False when it was known.';
