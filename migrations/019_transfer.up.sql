-- A caller who is put through to a person hears the words of the turn first; a repeated webhook must find both.
ALTER TABLE turns ADD COLUMN transfer_to text
    CONSTRAINT turn_transfer_is_to_a_phone CHECK (transfer_to ~ '^\+[1-9][0-9]{6,14}$')
    CONSTRAINT turn_that_transfers_ends_the_conversation CHECK (transfer_to IS NULL OR ends_call);
COMMENT ON COLUMN turns.transfer_to IS 'The number of a person whom the caller was put through to after it.';
