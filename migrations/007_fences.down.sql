ALTER TABLE jobs ALTER claims SET DEFAULT 0;
COMMENT ON COLUMN jobs.claims IS 'How often it was claimed. Only grows: with worker, the fence of every finish.';
