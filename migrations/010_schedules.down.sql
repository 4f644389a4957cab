DROP FUNCTION enqueue_due_ticks, enqueue_cron_tick, declare_schedule, remove_schedule, resume_schedule, pause_schedule,
    lock_schedule, set_schedule, refuse_schedule;
DROP TABLE schedule_declarations, schedules;
COMMENT ON COLUMN schedule_ticks.job_id IS NULL;
DROP FUNCTION latest_tick, next_ticks, next_tick, first_instant, zone_change, zone_offset, next_cron_time, parse_cron,
    parse_cron_field;
DROP TYPE cron_expression;
