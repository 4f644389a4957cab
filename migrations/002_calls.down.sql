DROP TABLE meetings, tool_calls, turns, calls, do_not_call, leads, campaigns CASCADE;
DROP FUNCTION check_scheduled_call_has_meeting();
DROP FUNCTION check_call_goes_forward();
DROP FUNCTION is_redial_policy(jsonb);
DROP FUNCTION next_opening(text, text, timestamptz);
DROP FUNCTION is_within_hours(text, text, timestamptz);
DROP FUNCTION is_weekly_hours(text);
DROP FUNCTION weekly_minutes(text);
DROP FUNCTION is_time_zone(text);
