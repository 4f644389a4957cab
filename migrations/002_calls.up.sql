-- Campaigns, leads, calls, turns, tool calls, meetings: the tables that launchers write and reporting reads.

CREATE EXTENSION IF NOT EXISTS btree_gist;

CREATE FUNCTION is_time_zone(zone text) RETURNS boolean LANGUAGE plpgsql STABLE STRICT AS $$
BEGIN
    PERFORM now() AT TIME ZONE zone;
    -- Neither abbreviations such as CST, which mean other hours elsewhere and know no summer, nor rules such as Mine/Own+6.
    RETURN (zone ~ '^[A-Za-z_]+(/[A-Za-z_]+(-[A-Za-z_]+)*)+$' OR zone ~* '^Etc/GMT[+-]?[0-9]{1,2}$' OR upper(zone) = 'UTC')
        AND length(zone) <= 64;
EXCEPTION WHEN invalid_parameter_value THEN
    RETURN false;
END $$;
COMMENT ON FUNCTION is_time_zone IS 'Whether this is the IANA name of a time zone, such as America/Mexico_City or UTC.';

-- Hours of the week as the minutes since Monday 00:00 that they span: "mon-fri 09:00-18:00, sat 10:00-14:00".
-- A range of days may run over the week's end. NULL when the text does not read like that.
CREATE FUNCTION weekly_minutes(hours text) RETURNS int4multirange LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    days CONSTANT text[] := '{mon,tue,wed,thu,fri,sat,sun}';
    minutes int4multirange := '{}';
    part text;
    words text[];
    first_day integer;
    last_day integer;
    opens integer;
    closes integer;
BEGIN
    FOREACH part IN ARRAY string_to_array(hours, ',') LOOP
        words := regexp_match(part, '^\s*([a-z]{3})(?:-([a-z]{3}))?\s+(\d\d):([0-5]\d)-(\d\d):([0-5]\d)\s*$');
        first_day := array_position(days, words[1]) - 1;
        last_day := array_position(days, coalesce(words[2], words[1])) - 1;
        opens := words[3]::integer * 60 + words[4]::integer;
        closes := words[5]::integer * 60 + words[6]::integer;
        IF words IS NULL OR first_day IS NULL OR last_day IS NULL OR opens >= closes OR closes > 1440 THEN
            RETURN NULL;
        END IF;
        FOR day IN first_day .. first_day + (last_day - first_day + 7) % 7 LOOP
            minutes := minutes + int4multirange(int4range(day % 7 * 1440 + opens, day % 7 * 1440 + closes));
        END LOOP;
    END LOOP;
    RETURN nullif(minutes, '{}');
END $$;
COMMENT ON FUNCTION weekly_minutes IS
    'Minutes since Monday 00:00 that a text of weekly hours spans; NULL when it is none.';

CREATE FUNCTION is_weekly_hours(hours text) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT weekly_minutes(hours) IS NOT NULL
$$;
COMMENT ON FUNCTION is_weekly_hours IS 'Whether a text reads like "mon-fri 09:00-18:00, sat 10:00-14:00".';

-- What is within hours is decided by what clocks in the zone show, so daylight saving needs no case of its own.
CREATE FUNCTION is_within_hours(hours text, zone text, at timestamptz) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT hours IS NULL OR weekly_minutes(hours) @>
        floor(extract(epoch FROM local - date_trunc('week', local)) / 60)::integer
    FROM (SELECT at AT TIME ZONE zone) AS clock(local)
$$;
COMMENT ON FUNCTION is_within_hours IS 'Whether clocks in a zone show a time within weekly hours; NULL hours are any time.';

-- The quarters of an hour before an opening are candidates too: an hour that is repeated opens at its first time, and
-- one that is skipped opens when the clocks have changed.
CREATE FUNCTION next_opening(hours text, zone text, at timestamptz) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN is_within_hours(hours, zone, at) THEN at ELSE (
        SELECT min(instant)
        FROM generate_series(0, 2) AS week,
            unnest(weekly_minutes(hours)) AS span,
            generate_series(0, 60, 15) AS earlier,
            LATERAL (SELECT (date_trunc('week', at AT TIME ZONE zone) + make_interval(weeks => week, mins => lower(span)))
                AT TIME ZONE zone - make_interval(mins => earlier)) AS candidate (instant)
        WHERE instant > at AND is_within_hours(hours, zone, instant)) END
$$;
COMMENT ON FUNCTION next_opening IS 'The first instant from "at" on that is within weekly hours in a zone.';

-- {"busy":["5m","30m"]}: only outcomes without a conversation, since nobody who was talked with is redialled by itself.
CREATE FUNCTION is_redial_policy(policy jsonb) RETURNS boolean LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    IF jsonb_typeof(policy) <> 'object' THEN
        RETURN false;
    END IF;
    RETURN NOT EXISTS (
        SELECT FROM jsonb_each(policy) AS rule(outcome, delays)
        WHERE outcome NOT IN ('busy', 'no_answer', 'voicemail', 'no_response', 'failed')
            OR jsonb_typeof(delays) <> 'array'
            OR EXISTS (SELECT FROM jsonb_path_query(delays, '$[*]') AS delay
                WHERE jsonb_typeof(delay) <> 'string' OR delay #>> '{}' !~ '^[1-9][0-9]{0,4}[smhd]$'));
END $$;
COMMENT ON FUNCTION is_redial_policy IS
    'Whether a document reads like {"busy":["5m","30m"]}: waits (s, m, h, d) by an outcome without a conversation.';

CREATE TABLE campaigns (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    status text NOT NULL DEFAULT 'draft',
    language text,
    timezone text,
    country text,
    instructions text NOT NULL DEFAULT '',
    greeting text,
    tools text[],
    inbound_number text,
    max_concurrent_calls integer NOT NULL DEFAULT 10,
    calls_per_second double precision NOT NULL DEFAULT 1,
    calling_window text,
    redial jsonb NOT NULL DEFAULT '{"busy":["5m","30m"],"no_answer":["1h","4h"]}',
    webhook_url text,
    webhook_secret text,
    next_dial_at timestamptz NOT NULL DEFAULT '-infinity',
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT campaign_name_is_unique UNIQUE (name),
    CONSTRAINT campaign_name_is_not_blank CHECK (btrim(name) <> '' AND length(name) <= 200),
    CONSTRAINT campaign_status_is_known CHECK (status IN ('draft', 'running', 'paused', 'completed')),
    CONSTRAINT campaign_language_is_en_es_or_pt CHECK (language IN ('en', 'es', 'pt')),
    CONSTRAINT campaign_timezone_is_known CHECK (is_time_zone(timezone)),
    CONSTRAINT campaign_country_is_two_letters CHECK (country ~ '^[A-Z]{2}$'),
    CONSTRAINT campaign_max_concurrent_calls_is_positive CHECK (max_concurrent_calls BETWEEN 1 AND 100000),
    CONSTRAINT campaign_calls_per_second_is_positive CHECK (calls_per_second > 0 AND calls_per_second <= 10000),
    CONSTRAINT campaign_calling_window_is_weekly_hours CHECK (is_weekly_hours(calling_window)),
    CONSTRAINT campaign_redial_is_a_list_of_waits_by_outcome CHECK (is_redial_policy(redial)),
    CONSTRAINT campaign_inbound_number_is_unique UNIQUE (inbound_number)
);
COMMENT ON TABLE campaigns IS 'A reason to call a set of leads, with its rules.';
COMMENT ON COLUMN campaigns.status IS 'draft, running, paused (nothing is dialled), completed (every lead is done).';
COMMENT ON COLUMN campaigns.calling_window IS 'When leads may be called, in their own time zone; NULL is any time.';
COMMENT ON COLUMN campaigns.redial IS 'After how long a lead is dialled again, by outcome: the nth wait after the nth time.';
COMMENT ON COLUMN campaigns.tools IS 'Names of the tools its agent may use; NULL is all, an empty array none.';
COMMENT ON COLUMN campaigns.next_dial_at IS 'The earliest instant that calls_per_second allows the next dial.';
COMMENT ON COLUMN campaigns.inbound_number IS 'Calls to this number of ours belong to this campaign.';

CREATE TABLE leads (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    campaign_id bigint NOT NULL REFERENCES campaigns ON DELETE CASCADE,
    name text,
    phone text NOT NULL,
    email text,
    language text,
    timezone text,
    variables jsonb NOT NULL DEFAULT '{}',
    status text NOT NULL DEFAULT 'new',
    attempts integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT lead_phone_is_unique_in_its_campaign UNIQUE (campaign_id, phone),
    CONSTRAINT lead_phone_is_e164 CHECK (phone ~ '^\+[1-9][0-9]{6,14}$'),
    CONSTRAINT lead_email_has_an_at CHECK (email ~ '^[^@\s]+@[^@\s]+$' AND length(email) <= 254),
    CONSTRAINT lead_language_is_en_es_or_pt CHECK (language IN ('en', 'es', 'pt')),
    CONSTRAINT lead_timezone_is_known CHECK (is_time_zone(timezone)),
    CONSTRAINT lead_variables_are_an_object CHECK (jsonb_typeof(variables) = 'object'),
    CONSTRAINT lead_status_is_known CHECK (status IN ('new', 'queued', 'calling', 'done', 'do_not_call'))
);
COMMENT ON TABLE leads IS 'A person to call for a campaign.';
COMMENT ON COLUMN leads.status IS 'new, queued (a call waits), calling, done, do_not_call.';
COMMENT ON COLUMN leads.attempts IS 'How many calls were dialled.';
COMMENT ON COLUMN leads.variables IS 'What the agent may know of this person, by name.';
CREATE INDEX leads_new_by_campaign ON leads (campaign_id, id) WHERE status = 'new';
CREATE INDEX leads_by_phone ON leads (phone);

CREATE TABLE do_not_call (
    phone text PRIMARY KEY,
    reason text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT do_not_call_phone_is_e164 CHECK (phone ~ '^\+[1-9][0-9]{6,14}$')
);
COMMENT ON TABLE do_not_call IS 'Phones that are never dialled.';

CREATE TABLE calls (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    campaign_id bigint REFERENCES campaigns ON DELETE CASCADE,
    lead_id bigint REFERENCES leads ON DELETE CASCADE,
    direction text NOT NULL DEFAULT 'outbound',
    provider text,
    provider_call_id text,
    from_phone text,
    to_phone text NOT NULL,
    status text NOT NULL DEFAULT 'queued',
    outcome text,
    language text,
    timezone text,
    job_id bigint,
    parked_since timestamptz,
    dial_turn_since timestamptz,
    dial_intents integer NOT NULL DEFAULT 0,
    dial_intent_at timestamptz,
    dial_refusals integer NOT NULL DEFAULT 0,
    answered_by text,
    provider_status text,
    do_not_call_requested boolean NOT NULL DEFAULT false,
    agent_ended boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    ringing_at timestamptz,
    answered_at timestamptz,
    ended_at timestamptz,
    last_event_at timestamptz NOT NULL DEFAULT now(),
    finalized_at timestamptz,
    duration_seconds integer,
    summary text,
    extracted jsonb,
    cost numeric(14, 6),
    cost_currency text,
    telephony_cost numeric(14, 6),
    telephony_currency text,
    model_cost numeric(14, 6),
    error text,
    CONSTRAINT call_direction_is_known CHECK (direction IN ('outbound', 'inbound')),
    CONSTRAINT call_status_is_known CHECK (status IN ('queued', 'dialing', 'ringing', 'in_progress', 'ended', 'uncertain')),
    CONSTRAINT call_outcome_is_known CHECK (outcome IN ('meeting_scheduled', 'callback_requested', 'not_interested',
        'do_not_call', 'wrong_number', 'voicemail', 'no_answer', 'busy', 'no_response', 'hung_up', 'completed', 'failed',
        'uncertain')),
    CONSTRAINT call_has_ended_at_exactly_when_final CHECK ((status IN ('ended', 'uncertain')) = (ended_at IS NOT NULL)),
    CONSTRAINT call_outcome_waits_for_the_end CHECK (outcome IS NULL OR status IN ('ended', 'uncertain')),
    CONSTRAINT call_is_dialled_on_intent CHECK (status IN ('queued', 'ended') OR direction = 'inbound' OR dial_intent_at IS NOT NULL),
    CONSTRAINT call_provider_id_is_unique UNIQUE (provider, provider_call_id),
    CONSTRAINT call_language_is_en_es_or_pt CHECK (language IN ('en', 'es', 'pt')),
    CONSTRAINT call_language_and_timezone_are_known_when_dialled CHECK (status = 'queued'
        OR (direction = 'outbound' AND dial_intent_at IS NULL) OR (language IS NOT NULL AND timezone IS NOT NULL)),
    CONSTRAINT call_waits_for_its_turn_only_while_queued
        CHECK (status = 'queued' OR (parked_since IS NULL AND dial_turn_since IS NULL))
);
COMMENT ON TABLE calls IS 'One dial, or one call to us.';
COMMENT ON COLUMN calls.status IS 'queued, dialing, ringing, in_progress, ended, uncertain; the last two are final.';
COMMENT ON COLUMN calls.outcome IS 'What came of it: NULL until finalize_call has decided.';
COMMENT ON COLUMN calls.language IS 'Of the lead, else of its campaign, else the configured one (known from the dial on).';
COMMENT ON COLUMN calls.timezone IS 'Of the lead, else of its campaign, else the configured one (known from the dial on).';
COMMENT ON COLUMN calls.job_id IS 'The initiate_call job that will dial it, unless it is parked.';
COMMENT ON COLUMN calls.parked_since IS 'It has no job and waits, since then, for a slot or a resume of its campaign.';
COMMENT ON COLUMN calls.dial_turn_since IS 'It has one of its campaign''s slots and waits, since then, for calls_per_second.';
COMMENT ON COLUMN calls.dial_intents IS 'How often the intent to dial was committed and not certainly refused.';
COMMENT ON COLUMN calls.dial_intent_at IS 'When the intent to dial was committed, before the provider was asked.';
COMMENT ON COLUMN calls.dial_refusals IS 'How often in a row the provider refused for the moment, without having dialled.';
COMMENT ON COLUMN calls.last_event_at IS 'When it was last heard of; what is silent for long is asked of the provider.';
COMMENT ON COLUMN calls.finalized_at IS 'When its outcome, summary and cost were written.';
COMMENT ON COLUMN calls.extracted IS 'What the caller stated: callback_at, email, interest, reason and the like.';
COMMENT ON COLUMN calls.cost IS 'What the telephone provider and the model charge together, as far as known, in cost_currency.';
COMMENT ON COLUMN calls.telephony_cost IS 'What the telephone provider charges, in telephony_currency; NULL until it says.';
COMMENT ON COLUMN calls.model_cost IS 'What the model''s tokens cost by the configured prices, in cost_currency.';
CREATE UNIQUE INDEX call_of_a_lead_is_single_while_not_final ON calls (lead_id)
    WHERE status IN ('queued', 'dialing', 'ringing', 'in_progress') AND lead_id IS NOT NULL;
-- A lost answer of the provider can then only mean this dial.
CREATE UNIQUE INDEX call_to_a_phone_is_single_while_its_dial_is_unanswered ON calls (to_phone)
    WHERE status = 'dialing' AND provider_call_id IS NULL AND direction = 'outbound';
-- Exactly the calls that hold one of their campaign's slots.
CREATE INDEX calls_with_a_slot_by_campaign ON calls (campaign_id, dial_turn_since, id)
    WHERE direction = 'outbound' AND (status IN ('dialing', 'ringing', 'in_progress') OR dial_turn_since IS NOT NULL);
CREATE INDEX calls_parked_by_campaign ON calls (campaign_id, id) WHERE parked_since IS NOT NULL;
CREATE INDEX calls_unfinalized_by_event ON calls (status, last_event_at) WHERE finalized_at IS NULL;
CREATE INDEX calls_unfinalized_by_campaign ON calls (campaign_id) WHERE finalized_at IS NULL;
CREATE INDEX calls_by_campaign ON calls (campaign_id, id);
CREATE INDEX calls_by_lead ON calls (lead_id);
CREATE INDEX calls_open_by_phone ON calls (to_phone)
    WHERE direction = 'outbound' AND status IN ('queued', 'dialing', 'ringing', 'in_progress');

-- Events arrive twice and in any order; whatever writes them, a call only goes forward.
CREATE FUNCTION check_call_goes_forward() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    stages CONSTANT text[] := '{queued,dialing,ringing,in_progress,ended,uncertain}';
    broken text := CASE
        WHEN OLD.status IN ('ended', 'uncertain') AND NEW.status <> OLD.status THEN 'call_that_is_final_stays_so'
        -- A dial that the provider certainly never made is withdrawn.
        WHEN NEW.status = 'queued' AND OLD.status = 'dialing' AND NEW.provider_call_id IS NULL THEN NULL
        WHEN array_position(stages, NEW.status) < array_position(stages, OLD.status) THEN 'call_status_goes_forward'
        WHEN OLD.provider_call_id <> NEW.provider_call_id OR (OLD.provider_call_id IS NOT NULL AND NEW.provider_call_id IS NULL)
            THEN 'call_keeps_its_provider_call_id'
        WHEN OLD.outcome <> NEW.outcome OR (OLD.outcome IS NOT NULL AND NEW.outcome IS NULL) THEN 'call_keeps_its_outcome'
    END;
BEGIN
    IF broken IS NOT NULL THEN
        RAISE EXCEPTION 'call % cannot go from % (%) to % (%)', OLD.id, OLD.status, OLD.outcome, NEW.status, NEW.outcome
            USING ERRCODE = 'check_violation', CONSTRAINT = broken;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER call_goes_forward BEFORE UPDATE OF status, provider_call_id, outcome ON calls
    FOR EACH ROW EXECUTE FUNCTION check_call_goes_forward();

CREATE TABLE turns (
    call_id bigint NOT NULL REFERENCES calls ON DELETE CASCADE,
    number integer NOT NULL,
    role text NOT NULL,
    content text NOT NULL,
    confidence real,
    in_reply_to integer,
    purpose text,
    ends_call boolean NOT NULL DEFAULT false,
    model_calls integer NOT NULL DEFAULT 0,
    model_ms double precision NOT NULL DEFAULT 0,
    prompt_tokens integer NOT NULL DEFAULT 0,
    completion_tokens integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (call_id, number),
    CONSTRAINT turn_number_is_from_1 CHECK (number >= 1),
    CONSTRAINT turn_role_is_caller_or_agent CHECK (role IN ('caller', 'agent')),
    CONSTRAINT turn_is_answered_once UNIQUE (call_id, in_reply_to),
    CONSTRAINT turn_in_reply_to_is_the_agents CHECK ((role = 'agent') = (in_reply_to IS NOT NULL)),
    CONSTRAINT turn_purpose_is_the_agents CHECK (purpose IS NULL OR role = 'agent'),
    CONSTRAINT turn_purpose_is_known
        CHECK (purpose IN ('greeting', 'answer', 'not_heard', 'not_understood', 'apology', 'goodbye'))
);
COMMENT ON TABLE turns IS 'One row per utterance.';
COMMENT ON COLUMN turns.in_reply_to IS 'The callback turn number that this utterance of the agent answers.';
COMMENT ON COLUMN turns.purpose IS
    'Why the agent said it: greeting, answer (the model''s words), not_heard, not_understood, apology (the model failed), goodbye.';

CREATE TABLE tool_calls (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    call_id bigint REFERENCES calls ON DELETE CASCADE,
    turn_number integer,
    name text NOT NULL,
    arguments jsonb NOT NULL,
    arguments_digest text GENERATED ALWAYS AS (md5(arguments::text)) STORED,
    model_call_id text,
    result jsonb,
    success boolean,
    duration_ms double precision,
    created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE tool_calls IS 'One row per execution of a tool, with what came of it.';
CREATE INDEX tool_calls_by_call ON tool_calls (call_id, turn_number);

CREATE TABLE meetings (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    call_id bigint REFERENCES calls ON DELETE SET NULL,
    lead_id bigint REFERENCES leads ON DELETE SET NULL,
    calendar_id text NOT NULL,
    event_key text NOT NULL,
    calendar_event_id text,
    calendar_link text,
    title text NOT NULL,
    guest_name text,
    guest_email text,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    status text NOT NULL DEFAULT 'reserved',
    reason text,
    created_at timestamptz NOT NULL DEFAULT now(),
    confirmed_at timestamptz,
    CONSTRAINT meeting_status_is_known CHECK (status IN ('reserved', 'confirmed', 'cancelled', 'failed')),
    CONSTRAINT meeting_ends_after_it_starts CHECK (starts_at < ends_at),
    CONSTRAINT meeting_event_key_is_unique UNIQUE (event_key),
    CONSTRAINT meeting_event_id_is_unique UNIQUE (calendar_id, calendar_event_id),
    CONSTRAINT meeting_has_its_event_when_confirmed CHECK (status <> 'confirmed' OR calendar_event_id IS NOT NULL),
    CONSTRAINT meeting_times_do_not_overlap EXCLUDE USING gist
        (calendar_id WITH =, tstzrange(starts_at, ends_at) WITH &&) WHERE (status IN ('reserved', 'confirmed'))
);
-- Of two transactions that write overlapping meetings at once each may wait for the other's end, because the constraint
-- looks at both rows. So whoever reserves or confirms takes the calendar's lock first; it ends with the transaction.
CREATE FUNCTION lock_calendar(calendar_id text) RETURNS void LANGUAGE sql AS $$
    SELECT pg_advisory_xact_lock(hashtextextended('calendar:' || calendar_id, 0))
$$;
COMMENT ON TABLE meetings IS 'Reserved first, then confirmed by the calendar.';
COMMENT ON COLUMN meetings.status IS 'reserved (the calendar has not answered), confirmed, cancelled, failed.';
COMMENT ON COLUMN meetings.reason IS 'Why it failed or was cancelled.';
COMMENT ON COLUMN meetings.event_key IS 'The calendar event id that we chose, derived from this reservation.';
-- Booked once: a model that books again, or twice at the same time, finds the first.
CREATE UNIQUE INDEX meeting_of_a_call_is_single ON meetings (call_id) WHERE status IN ('reserved', 'confirmed');
CREATE INDEX meetings_by_call ON meetings (call_id);
CREATE INDEX meetings_reserved ON meetings (created_at) WHERE status = 'reserved';

-- Says only what is committed: an outcome cannot claim a meeting that is not confirmed.
CREATE FUNCTION check_scheduled_call_has_meeting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM meetings WHERE call_id = NEW.id AND status = 'confirmed') THEN
        RAISE EXCEPTION 'call % has no confirmed meeting', NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'call_scheduled_has_a_confirmed_meeting';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER call_scheduled_has_a_confirmed_meeting
    AFTER INSERT OR UPDATE OF outcome ON calls DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.outcome = 'meeting_scheduled') EXECUTE FUNCTION check_scheduled_call_has_meeting();
