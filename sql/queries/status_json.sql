-- $1 workspace, null: all. All of `onsctl status` as one JSON object
SELECT json_build_object(
	'deliveries_today', (SELECT count(*) FROM event
		WHERE workspace = coalesce($1, workspace)
		  AND received_at >= date_trunc('day', now())),
	'last_delivery', (SELECT received_at FROM event
		WHERE workspace = coalesce($1, workspace)
		ORDER BY id DESC LIMIT 1),
	'pages_today', (SELECT count(*) FROM page
		WHERE workspace = coalesce($1, workspace)
		  AND state = 'written' AND created_at >= date_trunc('day', now())),
	'last_page', (SELECT max(created_at) FROM page
		WHERE workspace = coalesce($1, workspace) AND state = 'written'),
	'ignored', (SELECT count(*) FROM v_ignored
		WHERE workspace = coalesce($1, workspace)),
	'jobs', (SELECT coalesce(json_object_agg(state, jobs), '{}')
		FROM (SELECT state, count(*) AS jobs FROM v_jobs
			WHERE workspace = coalesce($1, workspace)
			GROUP BY state) s),
	'requests_today', (SELECT coalesce(json_object_agg(service, requests), '{}')
		FROM (SELECT service, sum(requests) AS requests FROM usage
			WHERE workspace = coalesce($1, workspace)
			  AND day = current_date GROUP BY service) u),
	'pages_written_today', (SELECT count(*) FROM page
		WHERE workspace = coalesce($1, workspace)
		  AND written_at >= date_trunc('day', now())),
	'resources_today', (SELECT count(DISTINCT (workspace, kind, resource_id))
		FROM job_done
		WHERE workspace = coalesce($1, workspace) AND kind IN ('call', 'message')
		   AND finished_at >= date_trunc('day', now())),
	'paused', (SELECT coalesce(json_object_agg(workspace || '/' || service,
			paused_until), '{}')
		FROM bucket
		WHERE workspace = coalesce($1, workspace) AND paused_until > now()),
	'troubles', (SELECT coalesce(json_agg(t), '[]') FROM v_troubles t
		WHERE workspace = coalesce($1, workspace))) AS status
