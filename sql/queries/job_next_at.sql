-- $1 workspace: milliseconds until a draining worker of it would find something to do; null: it
-- is done. What waits for a service's rate limit is work still to be done;
-- what failed is left to the next start, what needs an operator as well.
SELECT min(greatest(0, ceil(extract(epoch FROM due - now()) * 1000)))::bigint AS ms
  FROM (SELECT greatest(run_at, b.paused_until, b.full_until,
		CASE WHEN priority > 0 THEN b.background_at END) AS due
	  FROM job LEFT JOIN bucket b
	    ON b.workspace = job.workspace AND b.service = 'notion'
	 WHERE NOT dead AND job.workspace = $1 AND (lease_until IS NULL OR lease_until <= now())
	   AND (error_kind IS NULL OR error_kind = 'wait'
		OR run_at <= now() + interval '1 second')
	   AND NOT EXISTS (SELECT FROM trouble t
		WHERE t.workspace = job.workspace AND t.service = 'notion'
		  AND t.part IN ('', job.kind) AND t.ended_at IS NULL
		  AND t.next_at > now())) d
