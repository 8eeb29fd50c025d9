-- $1 keys of jobs_list: put away, unless an event came in since, or a worker is
-- at it. Locked in the order in which event_store() does.
WITH given AS (
	SELECT split_part(key, '/', 1)::bigint AS id,
	       split_part(key, '/', 2)::int AS generation
	  FROM unnest($1::text[]) key
), held AS MATERIALIZED (
	SELECT job.id FROM job JOIN given USING (id, generation)
	 WHERE lease_by IS NULL
	 ORDER BY workspace, kind, resource_id
	   FOR UPDATE OF job
), gone AS (
	DELETE FROM job USING held WHERE job.id = held.id
	RETURNING job.*
), kept AS (
	INSERT INTO job_done (workspace, kind, resource_id, attempts, due_at,
		outcome, last_error)
	SELECT workspace, kind, resource_id, attempts, created_at, 'discarded',
	       last_error
	  FROM gone
	RETURNING 1
)
SELECT count(*) AS jobs FROM kept
