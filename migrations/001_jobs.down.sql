DROP PROCEDURE enqueue_job_now;
DROP FUNCTION maintain_history, enqueue_tick, resume_queue, pause_queue, release_unheld_jobs, check_jobs, adopt_jobs, rescue_jobs,
    worker_gaps, bury_workers, beat_worker, register_worker, wake_job, promote_jobs, claim_jobs, cancel_job, settle_jobs,
    complete_job, complete_jobs, release_job_keys, announce_job, enqueue_job, insert_job, find_job, lock_job_key;
DROP TABLE schedule_ticks, finished_jobs, job_keys, jobs, workers, queues;
DROP TYPE claimed_job;
DROP TYPE job_state;
DROP DOMAIN job_kind, job_queue, job_key, job_unique_key, job_priority, job_max_attempts, job_arguments;
