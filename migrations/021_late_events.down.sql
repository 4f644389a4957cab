DROP INDEX meetings_left_behind;
COMMENT ON COLUMN meetings.cancel_requested_at IS
    'Set it to cancel a confirmed meeting: the event is deleted, the guest told, and the status follows.';
COMMENT ON COLUMN meetings.calendar_id IS NULL;
