-- $1 forgetting, $2 kind, $3 id, $4 facts that are kept or null, $5 outcome,
-- $6 files and $7 pages removed: its rows go
SELECT forget_rows($1::bigint, $2, $3, $4::jsonb, $5, $6::bigint, $7::bigint)
