-- $1 workspace: a person has mended something; what waited for it is due now.
-- Locked in the order in which event_store() does.
WITH tried AS (
	UPDATE trouble SET next_at = now()
	 WHERE workspace = $1 AND ended_at IS NULL
), held AS MATERIALIZED (
	SELECT id FROM job
	 WHERE workspace = $1 AND NOT dead
	   AND error_kind IN ('operator', 'configuration')
	 ORDER BY workspace, kind, resource_id
	   FOR UPDATE
)
UPDATE job SET run_at = now() FROM held WHERE job.id = held.id
