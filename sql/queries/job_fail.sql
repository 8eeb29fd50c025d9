-- $1 job, $2 run id, $3 milliseconds until the next attempt, $4 error,
-- $5 its kind, $6 dead, $7 the attempt counts
UPDATE job
   SET lease_by = NULL, lease_until = NULL, last_error = left($4, 500),
       error_kind = $5, dead = $6::boolean,
       attempts = attempts - CASE WHEN $7::boolean THEN 0 ELSE 1 END,
       run_at = now() + $3::bigint * interval '1 millisecond'
 WHERE id = $1::bigint AND lease_by = $2::bigint
RETURNING dead
