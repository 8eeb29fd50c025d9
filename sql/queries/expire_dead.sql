-- $1 milliseconds: jobs that were given up longer ago are discarded, at most $2
-- of them; how many
WITH gone AS (
	DELETE FROM job WHERE id = ANY (ARRAY(
		SELECT id FROM job
		 WHERE dead AND run_at < now() - $1::bigint * interval '1 millisecond'
		 LIMIT $2::bigint FOR UPDATE SKIP LOCKED))
	RETURNING *
), kept AS (
	INSERT INTO job_done (workspace, kind, resource_id, attempts, due_at,
		outcome, last_error)
	SELECT workspace, kind, resource_id, attempts, created_at, 'discarded',
	       last_error
	  FROM gone
)
SELECT count(*) AS gone FROM gone
