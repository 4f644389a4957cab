COMMENT ON COLUMN meetings.phone IS 'Who it was agreed with: the number of the other side of the call.';
DROP FUNCTION phone_of_the_other_side(text, text, text);
