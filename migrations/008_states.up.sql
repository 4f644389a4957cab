-- States in a migration of their own: PostgreSQL lets nobody use a new value before the transaction that adds it has committed.
ALTER TYPE job_state ADD VALUE IF NOT EXISTS 'waiting' AFTER 'blocked';
ALTER TYPE job_state ADD VALUE IF NOT EXISTS 'limited' AFTER 'waiting';
