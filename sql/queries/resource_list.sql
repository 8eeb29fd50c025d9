-- $1 workspace, $2 kind, $3 id, $4 facts, $5 times, $6 outcome, $7 ids of newly
-- folded events, $8 changed_at as it was read or null, $9 backfill or 0.
-- No row: somebody else has stored it meanwhile, and nothing was changed.
INSERT INTO resource (workspace, kind, id, facts, times, outcome, events,
	backfill)
VALUES ($1, $2, $3, $4::jsonb, $5::jsonb, $6, $7::bigint[],
	nullif($9::bigint, 0))
ON CONFLICT (workspace, kind, id) DO UPDATE
   SET facts = excluded.facts, times = excluded.times,
       outcome = excluded.outcome,
       events = resource.events || excluded.events,
       backfill = coalesce(excluded.backfill, resource.backfill),
       changed_at = now()
 WHERE resource.changed_at = $8::timestamptz
RETURNING id
