-- A reservation that was given up may yet become an event, made by a worker that was thought dead: the event has to go.
COMMENT ON COLUMN meetings.cancel_requested_at IS
    'Set it to cancel a confirmed meeting: the event is deleted, the guest told, and the status follows. On a failed one: its
event was made too late and is to be deleted; then it is NULL again.';
CREATE INDEX meetings_left_behind ON meetings (id) WHERE status = 'failed' AND cancel_requested_at IS NOT NULL;

-- Meetings that are in no calendar but ours had the id of Google's default calendar, and were taken for Google's when the
-- provider changed. They are told apart by the link, which Google gives to every event and nobody else to any. A reservation
-- without an answer may be either's and stays Google's; so does what was cancelled or failed, where it matters no more.
UPDATE meetings SET calendar_id = 'local'
WHERE calendar_id = 'primary' AND status = 'confirmed' AND calendar_link IS NULL AND calendar_event_id = event_key;
COMMENT ON COLUMN meetings.calendar_id IS
    'The calendar that its event is in: GOOGLE_CALENDAR_ID, or local. Only workers for which that is configured change it.';
