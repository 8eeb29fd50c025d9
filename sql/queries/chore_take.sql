-- $1 workspace, $2 name, $3 run id, $4 lease in seconds; no row: another one
-- that is alive is at it
INSERT INTO chore (workspace, name, run, lease_until)
VALUES ($1, $2, $3::bigint, now() + $4::int * interval '1 second')
ON CONFLICT (workspace, name) DO UPDATE
   SET run = excluded.run, lease_until = excluded.lease_until,
       started_at = now()
 WHERE chore.run IS NULL OR chore.lease_until < now()
    OR NOT EXISTS (SELECT FROM run WHERE run.id = chore.run)
RETURNING name
