-- PostgreSQL takes no value from a type: it stays, unused.
SELECT 1;
