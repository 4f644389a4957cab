-- What the ingress does with a webhook, each in one statement and one commit. The jobs are inserted without notifying: a
-- notification would hold a lock of the whole server during the commit, so workers are woken after it.

CREATE FUNCTION take_turn(
    call_id bigint, turn integer, provider_call_id text, may_enqueue boolean, kind text, arguments jsonb, queue text,
    priority integer, max_attempts integer, key text, unique_key text, default_language text, default_timezone text,
    OUT language text, OUT timezone text, OUT refusal text,
    OUT say text, OUT next_turn integer, OUT ends_call boolean, OUT job_id bigint, OUT is_due boolean
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    call calls;
    expected integer;
    answered integer;
    is_locked boolean := false;
BEGIN
    SELECT * INTO call FROM calls WHERE id = take_turn.call_id;
    IF NOT FOUND THEN
        refusal := 'unknown_call';
        RETURN;
    END IF;
    language := coalesce(call.language, default_language);
    timezone := coalesce(call.timezone, default_timezone);
    IF call.provider_call_id IS DISTINCT FROM take_turn.provider_call_id AND call.provider_call_id IS NOT NULL THEN
        refusal := 'other_call';
        RETURN;
    END IF;
    -- Looked for twice: the second time under the lock of the call's jobs, which whoever ends one of them holds as well.
    -- Otherwise a repeat that comes just when the answer is committed could find neither the answer nor the job.
    LOOP
        SELECT coalesce(max(number) FILTER (WHERE role = 'agent'), 0) + 1, max(number) FILTER (WHERE in_reply_to = turn)
        INTO expected, answered FROM turns WHERE turns.call_id = call.id;
        IF answered IS NOT NULL THEN
            -- Before all else: a repeat gets the same answer, even when the call has ended since.
            SELECT content, number + 1, turns.ends_call INTO say, next_turn, ends_call
            FROM turns WHERE turns.call_id = call.id AND number = answered;
        ELSIF call.status IN ('ended', 'uncertain')
            -- Last words that arrive after the end are heard all the same: "never call me again" must not be lost.
            AND NOT (may_enqueue AND turn = expected AND arguments ->> 'speech' IS NOT NULL) THEN
            refusal := 'call_ended';
        ELSIF turn <> expected THEN
            refusal := 'out_of_turn';
        ELSIF may_enqueue AND NOT is_locked THEN
            PERFORM lock_job_key(key);
            is_locked := true;
            CONTINUE;
        ELSIF may_enqueue THEN
            SELECT job.id, job.due INTO job_id, is_due
            FROM insert_job(kind, arguments, queue, priority, NULL, max_attempts, key, unique_key, NULL, true) AS job;
            RETURN;
        END IF;
        IF is_locked THEN
            -- Nobody else has used the key.
            DELETE FROM job_keys WHERE job_keys.key = take_turn.key AND enqueued = 1;
        END IF;
        RETURN;
    END LOOP;
END $$;
COMMENT ON FUNCTION take_turn IS
    'The stored answer of a turn, or the job that thinks about it (a repeat finds the same one), or why it is no turn of '
    'this call. A turn is only taken when it is the next one: its number follows the agent''s last utterance.';

CREATE FUNCTION take_status(
    call_id bigint, provider text, provider_call_id text, kind text, arguments jsonb, queue text, priority integer,
    max_attempts integer, unique_key text, OUT job_id bigint, OUT is_due boolean
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    known bigint := (SELECT id FROM calls WHERE id = take_status.call_id);
BEGIN
    IF take_status.call_id IS NULL THEN
        known := (SELECT id FROM calls
            WHERE provider = take_status.provider AND provider_call_id = take_status.provider_call_id);
    END IF;
    IF known IS NOT NULL THEN
        SELECT job.id, job.due INTO job_id, is_due
        FROM insert_job(kind, arguments || jsonb_build_object('call_id', known), queue, priority, NULL, max_attempts,
            'call:' || known, unique_key, NULL, false) AS job;
    END IF;
END $$;
COMMENT ON FUNCTION take_status IS
    'Commits an event of a call as a job, in the order of the call''s turns. NULL when there is no such call: by our id '
    'if one is given, else by the provider''s.';

CREATE FUNCTION take_inbound_call(
    provider text, provider_call_id text, from_phone text, to_phone text, default_language text, default_timezone text
) RETURNS bigint LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    known bigint;
    campaign campaigns;
    lead leads;
    waiting bigint;
BEGIN
    SELECT id INTO known FROM calls
    WHERE provider = take_inbound_call.provider AND provider_call_id = take_inbound_call.provider_call_id;
    IF FOUND THEN
        RETURN known;
    END IF;
    SELECT * INTO campaign FROM campaigns WHERE inbound_number = take_inbound_call.to_phone;
    IF NOT FOUND THEN
        -- Somebody calls back: the campaign that last dialled them from this number.
        SELECT campaigns.* INTO campaign
        FROM leads JOIN calls ON calls.lead_id = leads.id JOIN campaigns ON campaigns.id = leads.campaign_id
        WHERE leads.phone = take_inbound_call.from_phone AND calls.direction = 'outbound'
            AND calls.from_phone = take_inbound_call.to_phone
        ORDER BY calls.id DESC LIMIT 1;
    END IF;
    PERFORM lock_campaign(campaign.id) WHERE campaign.id IS NOT NULL;
    SELECT * INTO lead FROM leads WHERE campaign_id = campaign.id AND phone = take_inbound_call.from_phone
    FOR NO KEY UPDATE;
    -- Who has called need not be called any more.
    SELECT id INTO waiting FROM calls WHERE lead_id = lead.id AND status = 'queued' AND direction = 'outbound';
    IF FOUND THEN
        PERFORM end_call(waiting, error => 'the lead has called meanwhile');
    END IF;
    -- While another call of the lead is under way, this one stands by itself: a lead has one call at a time.
    INSERT INTO calls (campaign_id, lead_id, direction, provider, provider_call_id, from_phone, to_phone, status,
        language, timezone, started_at, answered_at)
    SELECT campaign.id, CASE WHEN NOT EXISTS (SELECT FROM calls
            WHERE lead_id = lead.id AND status IN ('dialing', 'ringing', 'in_progress')) THEN lead.id END,
        'inbound', take_inbound_call.provider, take_inbound_call.provider_call_id,
        take_inbound_call.from_phone, take_inbound_call.to_phone, 'in_progress',
        coalesce(lead.language, campaign.language, default_language),
        coalesce(lead.timezone, campaign.timezone, default_timezone), now(), now()
    ON CONFLICT (provider, provider_call_id) DO NOTHING
    RETURNING id INTO known;
    RETURN coalesce(known, (SELECT id FROM calls
        WHERE provider = take_inbound_call.provider AND provider_call_id = take_inbound_call.provider_call_id));
END $$;
COMMENT ON FUNCTION take_inbound_call IS
    'The call that somebody makes to one of our numbers: asked again, the same one. Its campaign is the one with that '
    'inbound_number, else the one that last dialled the caller from it, else none; its lead is the campaign''s with the '
    'caller''s phone, whose waiting call is then ended.';
