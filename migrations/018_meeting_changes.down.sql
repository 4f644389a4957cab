DROP TRIGGER outcome_follows_the_meeting ON meetings;
DROP FUNCTION take_back_outcome();
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
        WHEN OLD.outcome <> NEW.outcome OR (OLD.outcome IS NOT NULL AND NEW.outcome IS NULL) THEN 'call_keeps_its_outcome'
    END;
BEGIN
    IF broken IS NOT NULL THEN
        RAISE EXCEPTION 'call % cannot go from % (%) to % (%)', OLD.id, OLD.status, OLD.outcome, NEW.status, NEW.outcome
            USING ERRCODE = 'check_violation', CONSTRAINT = broken;
    END IF;
    RETURN NEW;
END $$;
ALTER TABLE meetings
    DROP CONSTRAINT meeting_times_do_not_overlap,
    ADD CONSTRAINT meeting_times_do_not_overlap EXCLUDE USING gist
        (calendar_id WITH =, tstzrange(starts_at, ends_at) WITH &&) WHERE (status IN ('reserved', 'confirmed'));
DROP FUNCTION meeting_times(timestamptz, timestamptz, timestamptz, timestamptz);
ALTER TABLE meetings
    DROP COLUMN phone, DROP COLUMN sequence, DROP COLUMN is_invited_by_mail, DROP COLUMN new_starts_at,
    DROP COLUMN new_ends_at, DROP COLUMN move_requested_at, DROP COLUMN cancel_requested_at;
