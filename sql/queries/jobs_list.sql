-- $1 only those in this state, or null; $2 at most
SELECT kind, resource_id, state, attempts, run_at, last_error
  FROM v_jobs
 WHERE $1::text IS NULL OR state = $1
 ORDER BY run_at, id LIMIT $2::int
