-- $1 run id, $2 lease in seconds, $3 workspace; $4 and $5 the jobs that are done
-- and their generations; $6 how many to claim, $7 up to which priority, after
-- the place $8, $9, $10 (priority, run_at, id)
SELECT * FROM job_next($1, $2 * interval '1 second', $3, $4, $5, $6, $7, $8,
	$9, $10)
