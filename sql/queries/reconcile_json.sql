-- $1 workspace, $2 at most so many findings: the last reconciliation as JSON
SELECT json_build_object(
	'pages', (SELECT coalesce(json_object_agg(kind, n), '{}')
		FROM (SELECT kind, count(DISTINCT resource_id) AS n FROM listing
			WHERE workspace = $1 AND resource_id <> ''
			GROUP BY kind) l),
	'open', (SELECT count(*) FROM finding
		WHERE workspace = $1 AND repaired_at IS NULL),
	'repaired', (SELECT count(*) FROM finding
		WHERE workspace = $1 AND repaired_at IS NOT NULL),
	'findings', (SELECT coalesce(json_agg(f), '[]')
		FROM (SELECT what, kind, resource_id, page_id, url, found_at,
			repaired_at
			FROM finding WHERE workspace = $1
			ORDER BY repaired_at IS NOT NULL, what, kind,
			resource_id, page_id LIMIT $2::int) f)) AS report
