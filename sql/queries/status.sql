-- $1 workspace; $2 requests that Notion takes, $3 in how many milliseconds;
-- $4, $5 the same of OpenPhone. How it is, as one JSON object. A slot of a bucket
-- is a 240th of its window. each: requests for each page written (Notion), or
-- call and message worked on (OpenPhone); null: none was.
SELECT json_build_object(
	'workspace', $1::text,
	'at', now(),
	'deliveries_today', (SELECT count(*) FROM event
		WHERE workspace = $1 AND received_at >= date_trunc('day', now())),
	'last_delivery', (SELECT received_at FROM event
		WHERE workspace = $1 ORDER BY received_at DESC LIMIT 1),
	'pages_today', (SELECT count(*) FROM page
		WHERE workspace = $1 AND state = 'written'
		  AND created_at >= date_trunc('day', now())),
	'last_page', (SELECT max(created_at) FROM page
		WHERE workspace = $1 AND state = 'written'),
	'pages_written_today', t.written,
	'resources_today', t.resources,
	'ignored', (SELECT count(*) FROM v_ignored WHERE workspace = $1),
	'jobs', (SELECT coalesce(json_object_agg(state, jobs), '{}')
		FROM (SELECT state, count(*) AS jobs FROM v_jobs
			WHERE workspace = $1 GROUP BY state ORDER BY state) s),
	'due_since', (SELECT min(run_at) FROM v_jobs
		WHERE workspace = $1 AND state = 'due'),
	'services', (SELECT json_agg(json_build_object(
			'service', s.service,
			'requests_today', coalesce(u.requests, 0),
			'each', round(u.requests::numeric / nullif(CASE s.service
				WHEN 'notion' THEN t.written
				ELSE t.resources END, 0), 2),
			'requests', coalesce((SELECT sum(n)
				FROM unnest(b.used) WITH ORDINALITY AS slot (n, i)
				WHERE i > s.this - b.slot), 0),
			'limit', CASE WHEN b.service IS NULL THEN s.rate
				ELSE bucket_limit(b, s.rate, s.window_ms) END,
			'window_s', s.window_ms / 1000,
			'paused_until', p.paused_until,
			'reason', p.reason) ORDER BY s.service)
		FROM (SELECT service, rate, window_ms,
			floor(extract(epoch FROM now()) * 1000 * 240
				/ window_ms)::bigint AS this
			FROM (VALUES ('notion', $2::int, $3::int),
				('openphone', $4::int, $5::int))
				AS given (service, rate, window_ms)) s
		LEFT JOIN bucket b ON b.workspace = $1 AND b.service = s.service
		LEFT JOIN bucket p ON p.workspace = $1 AND p.service = s.service
			AND p.paused_until > now()
		LEFT JOIN usage u ON u.workspace = $1 AND u.service = s.service
			AND u.day = current_date),
	'troubles', (SELECT coalesce(json_agg(v ORDER BY since, service, part), '[]')
		FROM v_troubles v WHERE workspace = $1)) AS status
  FROM (SELECT (SELECT count(*) FROM page
		WHERE workspace = $1 AND written_at >= date_trunc('day', now()))
		AS written,
	       (SELECT count(DISTINCT (kind, resource_id)) FROM job_done
		WHERE workspace = $1 AND kind IN ('call', 'message')
		  AND finished_at >= date_trunc('day', now())) AS resources OFFSET 0) t -- counted once
