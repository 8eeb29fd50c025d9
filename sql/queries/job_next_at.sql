-- Milliseconds until a draining worker would find something to do; null: it
-- is done. What waits for a service's rate limit is work still to be done;
-- what failed is left to the next start, what needs an operator as well.
SELECT min(greatest(0, ceil(extract(epoch FROM due - now()) * 1000)))::bigint AS ms
  FROM (SELECT greatest(run_at, (SELECT max(paused_until) FROM bucket b
		WHERE b.workspace = job.workspace)) AS due
	  FROM job
	 WHERE NOT dead AND (lease_until IS NULL OR lease_until <= now())
	   AND (error_kind IS NULL OR error_kind = 'wait'
		OR run_at <= now() + interval '1 second')
	   AND NOT EXISTS (SELECT FROM bucket b
		WHERE b.workspace = job.workspace AND b.for_operator
		  AND b.paused_until > now())) d
