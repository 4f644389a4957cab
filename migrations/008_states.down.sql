-- PostgreSQL takes no value from a type: they stay, unused.
SELECT 1;
