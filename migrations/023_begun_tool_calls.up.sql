-- A tool that is run by itself has its row before it begins: whoever finds the row without a result knows that it was begun.
ALTER TABLE tool_calls ADD COLUMN job_id bigint;
COMMENT ON COLUMN tool_calls.job_id IS
    'The job that runs it, for a tool that is run by itself. result and success are NULL until it has ended.';
CREATE UNIQUE INDEX tool_call_of_a_job_is_single ON tool_calls (job_id) WHERE job_id IS NOT NULL;
