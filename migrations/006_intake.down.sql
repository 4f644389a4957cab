DROP FUNCTION take_inbound_call;
DROP FUNCTION take_status;
DROP FUNCTION take_turn;
