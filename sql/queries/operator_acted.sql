-- $1 workspace: a person has mended something; what waited for it is due now
WITH tried AS (
	UPDATE trouble SET next_at = now()
	 WHERE workspace = $1 AND ended_at IS NULL
)
UPDATE job SET run_at = now()
 WHERE workspace = $1 AND NOT dead
   AND error_kind IN ('operator', 'configuration')
