-- $1 workspace: requests today, and how many that is for each page written (Notion) or call
-- and message worked on (OpenPhone); null: none was.
SELECT u.service, u.requests,
       round(u.requests / nullif(CASE u.service
		WHEN 'notion' THEN (SELECT count(*) FROM page p
			WHERE p.workspace = u.workspace
			  AND p.written_at >= date_trunc('day', now()))
		ELSE (SELECT count(DISTINCT (j.kind, j.resource_id))
			FROM job_done j
			WHERE j.workspace = u.workspace
			  AND j.kind IN ('call', 'message')
			  AND j.finished_at >= date_trunc('day', now()))
		END, 0)::numeric, 2) AS each,
       CASE u.service WHEN 'notion' THEN 'page written'
		ELSE 'call or message' END AS what,
       CASE WHEN b.paused_until > now() THEN b.paused_until END AS paused_until,
       CASE WHEN b.paused_until > now() THEN b.reason END AS reason
  FROM usage u LEFT JOIN bucket b USING (workspace, service)
 WHERE u.workspace = $1 AND u.day = current_date
 ORDER BY 1
