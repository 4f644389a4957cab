-- A crash of the server can undo an enqueue that was not on the disk yet, and its id is drawn again. A worker that still runs
-- the job of that id must not end the new one: fences of two jobs differ even when their ids do not.
ALTER TABLE jobs ALTER claims SET DEFAULT (random() * 1000000000)::integer;
COMMENT ON COLUMN jobs.claims IS
    'Grows with each claim, from a random start: with worker, the fence of every finish.';
