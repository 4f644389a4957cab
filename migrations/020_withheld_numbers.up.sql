-- Who withholds their number calls from a word that is spelled on the keypad: ANONYMOUS, RESTRICTED, BLOCKED, UNKNOWN, UNAVAILABLE,
-- PRIVATE. It is everybody's, and so nobody's.
CREATE FUNCTION is_withheld(phone text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT phone IN ('+266696687', '+7378742833', '+2562533', '+8656696', '+86282452253', '+7748283')
$$;
CREATE FUNCTION phone_of_the_other_side(direction text, from_phone text, to_phone text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN direction <> 'inbound' THEN to_phone
        WHEN from_phone ~ '^\+[1-9][0-9]{6,14}$' AND NOT is_withheld(from_phone) THEN from_phone END
$$;
COMMENT ON COLUMN meetings.phone IS
    'Who it was agreed with: the number of the other side of the call; NULL when it was withheld.';
UPDATE meetings SET phone = phone_of_the_other_side(direction, from_phone, to_phone)
FROM calls WHERE calls.id = call_id AND meetings.phone IS NOT NULL
    AND meetings.phone IS DISTINCT FROM phone_of_the_other_side(direction, from_phone, to_phone);

CREATE OR REPLACE FUNCTION record_do_not_call(phone text, reason text DEFAULT '') RETURNS boolean LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    IF is_withheld(record_do_not_call.phone) THEN
        RETURN false;
    END IF;
    INSERT INTO do_not_call (phone, reason) VALUES (record_do_not_call.phone, record_do_not_call.reason)
    ON CONFLICT DO NOTHING;
    RETURN FOUND;
END $$;
COMMENT ON FUNCTION record_do_not_call IS
    'Never call this phone (E.164) again; what waits for it is cancelled in this transaction. False when it was known, or stands
for a number that was withheld.';
