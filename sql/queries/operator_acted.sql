-- $1 workspace: a person has mended something; what waited for it is due now
WITH unpaused AS (
	UPDATE bucket SET paused_until = NULL
	 WHERE workspace = $1 AND for_operator
)
UPDATE job SET run_at = now()
 WHERE workspace = $1 AND NOT dead
   AND error_kind IN ('operator', 'configuration')
