-- $1 milliseconds: jobs that were given up longer ago are discarded, a batch at
-- a time
WITH gone AS (
	DELETE FROM job WHERE id = ANY (ARRAY(
		SELECT id FROM job
		 WHERE dead AND run_at < now() - $1::bigint * interval '1 millisecond'
		 LIMIT 1000 FOR UPDATE SKIP LOCKED))
	RETURNING *
)
INSERT INTO job_done (workspace, kind, resource_id, attempts, due_at, outcome,
	last_error)
SELECT workspace, kind, resource_id, attempts, created_at, 'discarded',
       last_error
  FROM gone
