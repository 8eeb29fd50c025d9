-- $1 job, $2 run id, $3 seconds from now; no row: the lease was lost
UPDATE job SET lease_until = now() + $3::int * interval '1 second'
 WHERE id = $1::bigint AND lease_by = $2::bigint
RETURNING id
