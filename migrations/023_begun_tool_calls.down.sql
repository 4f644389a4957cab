ALTER TABLE tool_calls DROP COLUMN job_id;
