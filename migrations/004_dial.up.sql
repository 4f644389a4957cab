-- The steps of one call that must be decided in one place and one moment: the intent to dial, its withdrawal, the end,
-- the outcome. Slots, parking and the order of locks are told in 003_launch.

-- Every limit is looked at under the campaign's lock, and the clock is read after the lock was had: now() would be the
-- time at which this transaction began to wait for it.
CREATE FUNCTION begin_dial(
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

CREATE FUNCTION withdraw_dial(call_id bigint, dial_intent_at timestamptz, was_refused boolean, error text)
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
COMMENT ON FUNCTION withdraw_dial IS
    'Takes back an intent that certainly did not become a call, and frees its slot. An intent that the provider refused '
    'does not count; one that got lost on the way does. False when it was another intent, or the call is known by now.';

-- The provider's id comes with the answer to the dial, with any webhook, or from the provider's list: whichever is first.
CREATE FUNCTION adopt_call(call_id bigint, provider text, provider_call_id text) RETURNS boolean LANGUAGE plpgsql AS $$
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
COMMENT ON FUNCTION adopt_call IS
    'Lets a call have its provider''s id. False when it has another one, or was never to be dialled.';

CREATE FUNCTION end_call(
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

CREATE FUNCTION record_call_event(
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
COMMENT ON FUNCTION record_call_event IS
    'Writes what a provider says of a call, which it may say twice and in any order; adopts the provider''s id for call_id '
    'when it is news. The result''s id is NULL when there is no such call.';

CREATE FUNCTION complete_campaign(campaign_id bigint) RETURNS boolean LANGUAGE plpgsql AS $$
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

CREATE FUNCTION redial_wait(call_id bigint) RETURNS interval LANGUAGE sql STABLE AS $$
    SELECT (campaign.redial -> call.outcome ->> (
        SELECT count(*)::integer - 1 FROM calls AS alike
        WHERE alike.lead_id = call.lead_id AND alike.outcome = call.outcome AND alike.direction = 'outbound'))::interval
    FROM calls AS call JOIN campaigns AS campaign ON campaign.id = call.campaign_id
    WHERE call.id = redial_wait.call_id AND call.direction = 'outbound'
        AND NOT EXISTS (
            SELECT FROM turns JOIN calls AS talked ON talked.id = turns.call_id
            WHERE talked.lead_id = call.lead_id AND turns.role = 'caller')
$$;
COMMENT ON FUNCTION redial_wait IS
    'After how long the lead of a call with an outcome is to be dialled again: the nth wait after the nth time; NULL is '
    'never, as for everybody who was talked with.';

CREATE FUNCTION record_outcome(
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

-- Amounts of different currencies are not added: cost then holds the model's part alone.
CREATE FUNCTION record_telephony_cost(call_id bigint, amount numeric, currency text) RETURNS void LANGUAGE sql AS $$
    UPDATE calls SET telephony_cost = coalesce(amount, telephony_cost),
        telephony_currency = coalesce(currency, telephony_currency),
        cost = coalesce(model_cost, 0) + CASE
            WHEN coalesce(currency, telephony_currency, cost_currency) = cost_currency
                THEN coalesce(amount, telephony_cost, 0) ELSE 0 END
    WHERE id = call_id
$$;
COMMENT ON FUNCTION record_telephony_cost IS 'Writes what the telephone provider charges for a call, which it may say late.';
