-- Meetings are moved and cancelled as they are booked: what is wanted is a row before the calendar is asked.
ALTER TABLE meetings
    ADD COLUMN phone text,
    ADD COLUMN sequence integer NOT NULL DEFAULT 0,
    ADD COLUMN is_invited_by_mail boolean NOT NULL DEFAULT false,
    ADD COLUMN new_starts_at timestamptz,
    ADD COLUMN new_ends_at timestamptz,
    ADD COLUMN move_requested_at timestamptz,
    ADD COLUMN cancel_requested_at timestamptz,
    ADD CONSTRAINT meeting_move_is_whole CHECK (num_nulls(new_starts_at, new_ends_at, move_requested_at) IN (0, 3)),
    ADD CONSTRAINT meeting_move_ends_after_it_starts CHECK (new_starts_at < new_ends_at);
COMMENT ON COLUMN meetings.phone IS 'Who it was agreed with: the number of the other side of the call.';
COMMENT ON COLUMN meetings.sequence IS 'Grows with every change that guests are told of, as SEQUENCE of an iCalendar event.';
COMMENT ON COLUMN meetings.is_invited_by_mail IS
    'The calendar could not invite the guest, who is told of the meeting and of its changes by mail.';
COMMENT ON COLUMN meetings.new_starts_at IS
    'With new_ends_at: the time that it is being moved to, held beside the old one until the calendar has answered.';
COMMENT ON COLUMN meetings.cancel_requested_at IS
    'Set it to cancel a confirmed meeting: the event is deleted, the guest told, and the status follows.';

UPDATE meetings SET phone = CASE direction WHEN 'inbound' THEN from_phone ELSE to_phone END
FROM calls WHERE calls.id = call_id AND meetings.status IN ('reserved', 'confirmed') AND ends_at > now();
CREATE INDEX meetings_by_phone ON meetings (phone, ends_at);
CREATE INDEX meetings_changing ON meetings (id)
    WHERE status = 'confirmed' AND (move_requested_at IS NOT NULL OR cancel_requested_at IS NOT NULL);

-- Both times of a meeting that is being moved are taken; they may overlap each other.
CREATE FUNCTION meeting_times(
    starts_at timestamptz, ends_at timestamptz, new_starts_at timestamptz, new_ends_at timestamptz
) RETURNS tstzmultirange LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT tstzmultirange(
        tstzrange(starts_at, ends_at), tstzrange(coalesce(new_starts_at, starts_at), coalesce(new_ends_at, ends_at)))
$$;
ALTER TABLE meetings
    DROP CONSTRAINT meeting_times_do_not_overlap,
    ADD CONSTRAINT meeting_times_do_not_overlap EXCLUDE USING gist
        (calendar_id WITH =, meeting_times(starts_at, ends_at, new_starts_at, new_ends_at) WITH &&)
        WHERE (status IN ('reserved', 'confirmed'));

-- Says only what is committed: an outcome that rests on a meeting goes with it. The call's row is locked first, so that an
-- outcome that is just being written is either seen here or sees that the meeting is gone.
CREATE FUNCTION take_back_outcome() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.status = 'confirmed' THEN RETURN NULL; END IF;
    PERFORM FROM calls WHERE id = OLD.call_id FOR NO KEY UPDATE;
    UPDATE calls SET outcome = 'completed'
    WHERE id = OLD.call_id AND outcome = 'meeting_scheduled'
        AND NOT EXISTS (SELECT FROM meetings WHERE call_id = OLD.call_id AND status = 'confirmed');
    RETURN NULL;
END $$;
CREATE TRIGGER outcome_follows_the_meeting AFTER DELETE OR UPDATE OF status ON meetings
    FOR EACH ROW WHEN (OLD.status = 'confirmed') EXECUTE FUNCTION take_back_outcome();

CREATE OR REPLACE FUNCTION check_call_goes_forward() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    stages CONSTANT text[] := '{queued,dialing,ringing,in_progress,ended,uncertain}';
    broken text := CASE
        WHEN OLD.status IN ('ended', 'uncertain') AND NEW.status <> OLD.status THEN 'call_that_is_final_stays_so'
        -- A dial that the provider certainly never made is withdrawn.
        WHEN NEW.status = 'queued' AND OLD.status = 'dialing' AND NEW.provider_call_id IS NULL THEN NULL
        WHEN array_position(stages, NEW.status) < array_position(stages, OLD.status) THEN 'call_status_goes_forward'
        WHEN OLD.provider_call_id <> NEW.provider_call_id OR (OLD.provider_call_id IS NOT NULL AND NEW.provider_call_id IS NULL)
            THEN 'call_keeps_its_provider_call_id'
        -- The meeting that it rested on is gone.
        WHEN OLD.outcome = 'meeting_scheduled' AND NEW.outcome = 'completed'
            AND NOT EXISTS (SELECT FROM meetings WHERE call_id = OLD.id AND meetings.status = 'confirmed') THEN NULL
        WHEN OLD.outcome <> NEW.outcome OR (OLD.outcome IS NOT NULL AND NEW.outcome IS NULL) THEN 'call_keeps_its_outcome'
    END;
BEGIN
    IF broken IS NOT NULL THEN
        RAISE EXCEPTION 'call % cannot go from % (%) to % (%)', OLD.id, OLD.status, OLD.outcome, NEW.status, NEW.outcome
            USING ERRCODE = 'check_violation', CONSTRAINT = broken;
    END IF;
    RETURN NEW;
END $$;
