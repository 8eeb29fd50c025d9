-- $1 keys of jobs_list: they are due now, as if for the first time. One that is
-- being worked on is worked on once more afterwards. Locked in the order in which
-- event_store() does.
WITH given AS (
	SELECT split_part(key, '/', 1)::bigint AS id FROM unnest($1::text[]) key
), held AS MATERIALIZED (
	SELECT job.id FROM job JOIN given ON given.id = job.id
	 ORDER BY workspace, kind, resource_id
	   FOR UPDATE OF job
), due AS (
	UPDATE job
	   SET dead = false, run_at = now(),
	       attempts = CASE WHEN lease_by IS NULL THEN 0 ELSE attempts END,
	       generation = generation + 1
	  FROM held WHERE job.id = held.id
	RETURNING job.id
)
SELECT count(*) AS jobs FROM due
