ALTER FUNCTION settle_jobs(bigint, bigint[], integer[], text[], text[], text[], double precision[], boolean)
RESET plan_cache_mode;
ALTER FUNCTION release_job_keys(text[]) RESET plan_cache_mode;
DROP FUNCTION job_results(bigint[]);
