-- $1 workspace: does a live job wait for a worker?
SELECT EXISTS (SELECT FROM job
	WHERE NOT dead AND workspace = $1 AND priority = 0 AND run_at <= now()
	  AND (lease_until IS NULL OR lease_until < now())) AS due
