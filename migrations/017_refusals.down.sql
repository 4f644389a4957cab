ALTER FUNCTION complete_jobs(bigint, bigint[], integer[]) RESET plan_cache_mode;
DROP FUNCTION enqueue_job(text, jsonb, jsonb);
ALTER TABLE jobs DROP CONSTRAINT job_holder_is_1_to_200_bytes,
    ADD CONSTRAINT job_holder_is_1_to_200_bytes CHECK (octet_length(holder) BETWEEN 1 AND 200) NOT VALID;
ALTER TABLE job_limits
    DROP CONSTRAINT job_limit_is_1_to_200_bytes, DROP CONSTRAINT job_limit_slots_are_0_or_more,
    DROP CONSTRAINT job_limit_rate_is_0_to_10000, DROP CONSTRAINT job_limit_burst_is_1_to_10000,
    ADD CONSTRAINT job_limit_is_1_to_200_bytes CHECK (octet_length(name) BETWEEN 1 AND 200),
    ADD CONSTRAINT job_limit_slots_are_0_or_more CHECK (slots >= 0),
    ADD CONSTRAINT job_limit_rate_is_0_to_10000 CHECK (per_second BETWEEN 0 AND 10000),
    ADD CONSTRAINT job_limit_burst_is_1_to_10000 CHECK (burst BETWEEN 1 AND 10000);
ALTER DOMAIN job_arguments DROP CONSTRAINT job_arguments_are_at_most_1_mib;
ALTER DOMAIN job_arguments ADD CONSTRAINT job_arguments_are_at_most_1_mib CHECK (pg_column_size(VALUE) <= 1048576);
ALTER DOMAIN job_max_attempts DROP CONSTRAINT job_max_attempts_is_1_to_1000;
ALTER DOMAIN job_max_attempts ADD CONSTRAINT job_max_attempts_is_1_to_1000 CHECK (VALUE BETWEEN 1 AND 1000);
ALTER DOMAIN job_priority DROP CONSTRAINT job_priority_is_0_to_32767;
ALTER DOMAIN job_priority ADD CONSTRAINT job_priority_is_0_to_32767 CHECK (VALUE BETWEEN 0 AND 32767);
ALTER DOMAIN job_unique_key DROP CONSTRAINT job_unique_key_is_1_to_200_bytes;
ALTER DOMAIN job_unique_key ADD CONSTRAINT job_unique_key_is_1_to_200_bytes CHECK (octet_length(VALUE) BETWEEN 1 AND 200);
ALTER DOMAIN job_key DROP CONSTRAINT job_key_is_1_to_200_bytes;
ALTER DOMAIN job_key ADD CONSTRAINT job_key_is_1_to_200_bytes CHECK (octet_length(VALUE) BETWEEN 1 AND 200);
ALTER DOMAIN job_queue DROP CONSTRAINT job_queue_is_1_to_100_bytes;
ALTER DOMAIN job_queue ADD CONSTRAINT job_queue_is_1_to_100_bytes CHECK (octet_length(VALUE) BETWEEN 1 AND 100);
ALTER DOMAIN job_kind DROP CONSTRAINT job_kind_is_1_to_100_bytes;
ALTER DOMAIN job_kind ADD CONSTRAINT job_kind_is_1_to_100_bytes CHECK (octet_length(VALUE) BETWEEN 1 AND 100);
DROP FUNCTION refuse(text, text, text);
