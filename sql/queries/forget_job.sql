-- $1 workspace, $2 kind, $3 id: its job goes, and there is no new one. busy: a
-- worker is at it, and must be waited for
WITH held AS MATERIALIZED (
	SELECT id, coalesce(lease_until > now(), false) AS busy FROM job
	 WHERE (workspace, kind, resource_id) = ($1, $2, $3) FOR UPDATE
), gone AS (
	DELETE FROM job USING held WHERE job.id = held.id AND NOT held.busy
)
SELECT coalesce(bool_or(busy), false) AS busy FROM held
