DROP FUNCTION watch_alarms(interval, double precision, double precision, double precision, jsonb, double precision);
DROP FUNCTION alarms(double precision, double precision, double precision, jsonb, double precision);
DROP TABLE alarm_states;
