-- $1 workspace, $2 backfill that was cancelled: what it had made due, and what
-- nobody is working on or waits for, is taken back. Locked in the order in
-- which event_store() does, so that two transactions never wait for each other.
WITH found AS MATERIALIZED (
	SELECT id FROM job
	 WHERE workspace = $1 AND NOT dead
	   AND (lease_until IS NULL OR lease_until < now())
	   AND ((kind = 'backfill' AND resource_id IN
			(SELECT id::text FROM backfill_slice
			  WHERE backfill_id = $2::bigint))
		OR (priority = 10 AND EXISTS (SELECT FROM resource r
			WHERE (r.workspace, r.kind, r.id)
			    = (job.workspace, job.kind, job.resource_id)
			  AND r.backfill = $2::bigint)))
	 ORDER BY workspace, kind, resource_id
	   FOR UPDATE
), gone AS (
	DELETE FROM job USING found WHERE job.id = found.id
	RETURNING kind
)
SELECT count(*) AS gone FROM gone WHERE kind <> 'backfill'
