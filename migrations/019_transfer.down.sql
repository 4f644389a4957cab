ALTER TABLE turns DROP COLUMN transfer_to;
