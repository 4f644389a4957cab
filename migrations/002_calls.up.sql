-- Campaigns, leads, calls, turns, tool calls, meetings: the tables that launchers write and reporting reads.

CREATE EXTENSION IF NOT EXISTS btree_gist;

CREATE FUNCTION is_time_zone(zone text) RETURNS boolean LANGUAGE plpgsql STABLE STRICT AS $$
BEGIN
    PERFORM now() AT TIME ZONE zone;
    RETURN zone ~ '^[A-Za-z]' AND length(zone) <= 64;
EXCEPTION WHEN invalid_parameter_value THEN
    RETURN false;
END $$;

-- One or more of "mon-fri 09:00-18:00", separated by commas.
CREATE FUNCTION is_weekly_hours(hours text) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT hours ~ ('^\s*' || part || '(\s*,\s*' || part || ')*\s*$')
    FROM (VALUES ('(mon|tue|wed|thu|fri|sat|sun)(-(mon|tue|wed|thu|fri|sat|sun))?\s+([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)')) AS grammar(part)
$$;

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
    CONSTRAINT campaign_redial_is_an_object CHECK (jsonb_typeof(redial) = 'object'),
    CONSTRAINT campaign_inbound_number_is_unique UNIQUE (inbound_number)
);
COMMENT ON TABLE campaigns IS 'A reason to call a set of leads, with its rules.';
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
    language text NOT NULL,
    timezone text NOT NULL,
    job_id bigint,
    parked_since timestamptz,
    dial_intents integer NOT NULL DEFAULT 0,
    dial_intent_at timestamptz,
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
    CONSTRAINT call_language_is_en_es_or_pt CHECK (language IN ('en', 'es', 'pt'))
);
COMMENT ON TABLE calls IS 'One dial, or one call to us.';
COMMENT ON COLUMN calls.dial_intent_at IS 'When the intent to dial was committed, before the provider was asked.';
COMMENT ON COLUMN calls.parked_since IS 'Its initiate_call job waits for a slot, a window or a resume since then.';
CREATE UNIQUE INDEX call_of_a_lead_is_single_while_not_final ON calls (lead_id)
    WHERE status IN ('queued', 'dialing', 'ringing', 'in_progress') AND lead_id IS NOT NULL;
CREATE INDEX calls_under_way_by_campaign ON calls (campaign_id)
    WHERE status IN ('dialing', 'ringing', 'in_progress');
CREATE INDEX calls_parked_by_campaign ON calls (campaign_id, id) WHERE parked_since IS NOT NULL;
CREATE INDEX calls_not_final_by_event ON calls (last_event_at)
    WHERE status IN ('dialing', 'ringing', 'in_progress') OR finalized_at IS NULL;
CREATE INDEX calls_by_campaign ON calls (campaign_id, id);
CREATE INDEX calls_by_lead ON calls (lead_id);
CREATE INDEX calls_waiting_by_phone ON calls (to_phone) WHERE status = 'queued';

CREATE TABLE turns (
    call_id bigint NOT NULL REFERENCES calls ON DELETE CASCADE,
    number integer NOT NULL,
    role text NOT NULL,
    content text NOT NULL,
    confidence real,
    in_reply_to integer,
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
    CONSTRAINT turn_in_reply_to_is_the_agents CHECK ((role = 'agent') = (in_reply_to IS NOT NULL))
);
COMMENT ON TABLE turns IS 'One row per utterance.';
COMMENT ON COLUMN turns.in_reply_to IS 'The callback turn number that this utterance of the agent answers.';

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
COMMENT ON TABLE meetings IS 'Reserved first, then confirmed by the calendar.';
COMMENT ON COLUMN meetings.event_key IS 'The calendar event id that we chose, derived from this reservation.';
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
