-- $1 workspace, $2 kind, $3 data source, $4 when its listing began, $5 after
-- that id, $6 up to that one: what does not agree between the listing, the
-- pages and the resources becomes a finding. pages: how many ids were listed
WITH oldest AS MATERIALIZED (
	-- of several pages with one id; what is archived comes last
	SELECT DISTINCT ON (resource_id) resource_id, page_id, url
	  FROM listing
	 WHERE workspace = $1 AND kind = $2
	   AND resource_id > $5 AND resource_id <= $6
	 ORDER BY resource_id, archived, created_at, page_id
), unknown AS (
	SELECT CASE WHEN p.page_id = o.page_id THEN 'restored'
	            ELSE 'unknown' END AS what,
	       o.resource_id, o.page_id, o.url
	  FROM oldest o
	  LEFT JOIN page p ON p.workspace = $1 AND p.kind = $2
		AND p.resource_id = o.resource_id
		AND p.resource_id > $5 AND p.resource_id <= $6
	  LEFT JOIN page x ON x.page_id = o.page_id -- another's
		AND (x.workspace, x.kind, x.resource_id)
		    <> ($1, $2, o.resource_id)
	 WHERE (p.state IS NULL OR p.state = 'trashed' OR (p.state = 'written'
			AND p.data_source_id <> $3))
	   AND x.page_id IS NULL
	   -- in a database of calls and messages an id alone does not tell which
	   AND (NOT EXISTS (SELECT FROM destination d
			WHERE d.workspace = $1 AND d.kind <> $2
			  AND d.data_source_id = $3)
		OR EXISTS (SELECT FROM resource r WHERE r.workspace = $1
			AND r.kind = $2 AND r.id = o.resource_id))
), missing AS (
	SELECT 'missing' AS what, p.resource_id, p.page_id, p.url
	  FROM page p
	  LEFT JOIN listing l ON l.workspace = $1 AND l.kind = $2
		AND l.page_id = p.page_id
	 WHERE p.workspace = $1 AND p.kind = $2 AND p.state = 'written'
	   AND p.resource_id > $5 AND p.resource_id <= $6
	   AND p.created_at < $4::timestamptz
	   AND coalesce(p.data_source_id, $3) = $3
	   AND l.page_id IS NULL
), several AS (
	SELECT resource_id FROM listing
	 WHERE workspace = $1 AND kind = $2
	   AND resource_id > $5 AND resource_id <= $6
	 GROUP BY resource_id HAVING count(*) > 1
), doubled AS (
	-- beside the one in the table page, if that is there, else the oldest
	SELECT 'doubled' AS what, l.resource_id, l.page_id, l.url
	  FROM several s
	  JOIN oldest o ON o.resource_id = s.resource_id
	  JOIN listing l ON l.workspace = $1 AND l.kind = $2
		AND l.resource_id = s.resource_id
	  LEFT JOIN page p ON p.workspace = $1 AND p.kind = $2
		AND p.resource_id = s.resource_id
	  LEFT JOIN listing t ON t.workspace = $1 AND t.kind = $2
		AND t.page_id = p.page_id
	 WHERE NOT l.archived AND l.page_id <> coalesce(t.page_id, o.page_id)
), renamed AS (
	SELECT 'renamed' AS what, p.resource_id, p.page_id, p.url
	  FROM page p
	  JOIN listing l ON l.workspace = $1 AND l.kind = $2
		AND l.page_id = p.page_id
	 WHERE p.workspace = $1 AND p.kind = $2 AND p.state = 'written'
	   AND p.resource_id > $5 AND p.resource_id <= $6
	   AND l.resource_id <> p.resource_id AND p.written_at < l.listed_at
), unwritten AS (
	SELECT 'unwritten' AS what, r.id AS resource_id, '' AS page_id,
	       NULL AS url
	  FROM resource r
	  LEFT JOIN page p ON p.workspace = $1 AND p.kind = $2
		AND p.resource_id = r.id
		AND p.resource_id > $5 AND p.resource_id <= $6
	  LEFT JOIN oldest o ON o.resource_id = r.id
	  LEFT JOIN job j ON j.workspace = $1 AND j.kind = $2
		AND j.resource_id = r.id
	 WHERE r.workspace = $1 AND r.kind = $2
	   AND r.id > $5 AND r.id <= $6 AND r.changed_at < $4::timestamptz
	   AND (p.state IS NULL OR p.state = 'intent') AND NOT r.ignored
	   AND o.resource_id IS NULL AND j.id IS NULL
	   -- a person put it away, and nothing came since
	   AND NOT EXISTS (SELECT FROM job_done d
		WHERE (d.workspace, d.kind, d.resource_id) = ($1, $2, r.id)
		  AND d.outcome = 'discarded' AND d.finished_at > r.changed_at)
	   AND r.facts ? 'id' -- else nothing is known but that it was
	   -- of what OpenPhone has no longer there need not be one
	   AND (r.facts -> 'deleted') IS DISTINCT FROM 'true'
), put AS (
	INSERT INTO finding (workspace, kind, side, what, resource_id, page_id,
		url)
	SELECT $1, $2, 'notion', f.* FROM (
		SELECT * FROM unknown UNION ALL SELECT * FROM missing
		UNION ALL SELECT * FROM doubled UNION ALL SELECT * FROM renamed
		UNION ALL SELECT * FROM unwritten) f
)
SELECT count(*) AS pages FROM oldest
