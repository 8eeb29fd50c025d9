-- $1 workspace: what tells whether the programs are at work; ages in seconds,
-- null: never
SELECT (SELECT count(*) FROM job
	 WHERE workspace = $1 AND dead) AS dead,
       (SELECT count(*) FROM job
	 WHERE workspace = $1 AND NOT dead) AS unfinished,
       (SELECT extract(epoch FROM now() - min(run_at))::bigint FROM job
	 WHERE workspace = $1 AND NOT dead AND priority <= 0 AND run_at < now()
	   AND (lease_until IS NULL OR lease_until < now())) AS overdue,
       (SELECT extract(epoch FROM now() - finished_at)::bigint FROM chore
	 WHERE workspace = $1 AND name = 'reconcile') AS maintained,
       (SELECT extract(epoch FROM now() - received_at)::bigint FROM event
	 WHERE workspace = $1 ORDER BY received_at LIMIT 1) AS first,
       (SELECT extract(epoch FROM now() - received_at)::bigint FROM event
	 WHERE workspace = $1 ORDER BY received_at DESC LIMIT 1) AS delivered,
       (SELECT extract(epoch FROM now() - max(created_at))::bigint FROM page
	 WHERE workspace = $1 AND state = 'written') AS written,
       (SELECT string_agg(service || ' until ' || to_char(paused_until,
		'HH24:MI:SS TZ') || ' (' || coalesce(reason, '') || ')', ', ')
	  FROM bucket
	 WHERE workspace = $1 AND paused_until > now()) AS paused
