-- $1 run id: its process is gone without a word. Its jobs fall due at once;
-- one that its worker died of before waits a little, longer each time, so that
-- it does not take down one worker after the other. jobs: how many there
-- are; ended: nobody else was faster.
WITH gone AS (
	DELETE FROM run WHERE id = $1::bigint RETURNING id, host
), freed AS (
	UPDATE job
	   SET lease_until = NULL, lease_by = NULL, error_kind = 'died',
	       last_error = 'the worker died', deaths = deaths + 1,
	       run_at = now() + deaths * deaths * interval '1 second'
	  FROM gone
	 WHERE lease_by = gone.id
	RETURNING workspace, kind, resource_id, attempts, claimed_at,
	          split_part(host, ' ', 1) AS host, gone.id AS run
), told AS (
	INSERT INTO attempt (workspace, kind, resource_id, attempt, took,
		error_kind, error, host, run)
	SELECT workspace, kind, resource_id, attempts, now() - claimed_at, 'died',
	       'the worker died', host, run
	  FROM freed
)
SELECT (SELECT count(*) FROM freed) AS jobs, EXISTS (SELECT FROM gone) AS ended
