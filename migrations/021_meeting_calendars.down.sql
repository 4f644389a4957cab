DROP INDEX meetings_left_behind;
COMMENT ON COLUMN meetings.cancel_requested_at IS
    'Set it to cancel a confirmed meeting: the event is deleted, the guest told, and the status follows.';
COMMENT ON COLUMN meetings.calendar_id IS NULL;
-- One whose time a meeting in Google's calendar has keeps its calendar.
DO $$
DECLARE
    meeting bigint;
BEGIN
    FOR meeting IN SELECT id FROM meetings WHERE calendar_id = 'local' ORDER BY id LOOP
        BEGIN
            UPDATE meetings SET calendar_id = 'primary' WHERE id = meeting;
        EXCEPTION WHEN exclusion_violation THEN NULL;
        END;
    END LOOP;
END $$;
