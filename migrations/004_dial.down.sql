DROP FUNCTION record_telephony_cost(bigint, numeric, text);
DROP FUNCTION record_outcome(bigint, text, text, jsonb, numeric, text, numeric, text, integer);
DROP FUNCTION redial_wait(bigint);
DROP FUNCTION complete_campaign(bigint);
DROP FUNCTION record_call_event(bigint, text, text, text, text, timestamptz, integer);
DROP FUNCTION end_call(bigint, text, text, text, timestamptz, integer, text);
DROP FUNCTION adopt_call(bigint, text, text);
DROP FUNCTION withdraw_dial(bigint, timestamptz, boolean, text);
DROP FUNCTION begin_dial(bigint, text, text, text, text);
