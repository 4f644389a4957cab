-- A state of its own migration: PostgreSQL lets nobody use a new value before the transaction that adds it has committed.
ALTER TYPE job_state ADD VALUE IF NOT EXISTS 'waiting' AFTER 'blocked';
