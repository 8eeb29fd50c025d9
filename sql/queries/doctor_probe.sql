-- $1 workspace, $2 id of doctor's own job: does it still wait, and could anybody
-- take it?
SELECT EXISTS (SELECT FROM job
	WHERE workspace = $1 AND kind = 'probe' AND resource_id = $2) AS waits,
       EXISTS (SELECT FROM run WHERE program = 'lingering') AS lingering,
       EXISTS (SELECT FROM bucket
	WHERE workspace = $1 AND service = 'notion'
	  AND greatest(paused_until, full_until) > now())
       OR EXISTS (SELECT FROM trouble
	WHERE workspace = $1 AND service = 'notion' AND part = ''
	  AND ended_at IS NULL) AS held,
       (SELECT count(*) FROM job
	 WHERE workspace = $1 AND lease_until > now()) AS busy
