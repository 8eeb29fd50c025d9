-- $1 workspace, $2 milliseconds, 0: not: look whether a live job has been due for longer.
-- Those that wait for a person have a cause that is told of already.
SELECT alert_look($1, 'backlog', '', (
	SELECT jsonb_build_array(jsonb_build_object('part', '',
		'since', min(run_at),
		'reason', format('%s %s due, the oldest for %s min', count(*),
			CASE count(*) WHEN 1 THEN 'job is' ELSE 'jobs are' END,
			floor(extract(epoch FROM now() - min(run_at)) / 60))))
	  FROM job
	 WHERE workspace = $1 AND NOT dead AND priority <= 0 AND run_at < now()
	   AND (lease_until IS NULL OR lease_until < now())
	   AND NOT EXISTS (SELECT FROM trouble t
		 WHERE t.workspace = $1 AND ended_at IS NULL)
	HAVING $2::bigint > 0
	   AND min(run_at) < now() - $2::bigint * interval '1 millisecond'))
