-- $1 jobs that were claimed and perhaps not begun, $2 run id: they are due at once
UPDATE job SET lease_until = NULL, lease_by = NULL
 WHERE id = ANY ($1::bigint[]) AND lease_by = $2::bigint
