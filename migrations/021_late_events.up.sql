-- A reservation that was given up may yet become an event, made by a worker that was thought dead: the event has to go.
COMMENT ON COLUMN meetings.cancel_requested_at IS
    'Set it to cancel a confirmed meeting: the event is deleted, the guest told, and the status follows. On a failed one: its
event was made too late and is to be deleted; then it is NULL again.';
CREATE INDEX meetings_left_behind ON meetings (id) WHERE status = 'failed' AND cancel_requested_at IS NOT NULL;
COMMENT ON COLUMN meetings.calendar_id IS
    'GOOGLE_CALENDAR_ID when it was booked. Google gives each event a link; a confirmed meeting without calendar_link is in no
calendar but this table.';
