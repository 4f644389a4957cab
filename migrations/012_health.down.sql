DROP FUNCTION health(interval);
DROP FUNCTION measure_health();
DROP TABLE health_measurements;
