-- $1 workspace, $2 name, $3 run id, $4 lease in seconds; no row: it was lost
UPDATE chore SET lease_until = now() + $4::int * interval '1 second'
 WHERE workspace = $1 AND name = $2 AND run = $3::bigint
RETURNING name
