CREATE OR REPLACE FUNCTION record_do_not_call(phone text, reason text DEFAULT '') RETURNS boolean LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    INSERT INTO do_not_call (phone, reason) VALUES (record_do_not_call.phone, record_do_not_call.reason)
    ON CONFLICT DO NOTHING;
    RETURN FOUND;
END $$;
COMMENT ON FUNCTION record_do_not_call IS
    'Never call this phone (E.164) again; what waits for it is cancelled in this transaction. False when it was known.';
COMMENT ON COLUMN meetings.phone IS 'Who it was agreed with: the number of the other side of the call.';
DROP FUNCTION phone_of_the_other_side(text, text, text);
DROP FUNCTION is_withheld(text);
