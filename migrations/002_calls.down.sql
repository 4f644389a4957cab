DROP TABLE meetings, tool_calls, turns, calls, do_not_call, leads, campaigns CASCADE;
DROP FUNCTION check_scheduled_call_has_meeting();
DROP FUNCTION is_weekly_hours(text);
DROP FUNCTION is_time_zone(text);
