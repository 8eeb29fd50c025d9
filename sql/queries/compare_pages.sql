-- $1 workspace, $2 kind, $3 data source, $4 when its listing began: what does
-- not agree between the listing, the pages and the resources becomes a finding
WITH here AS (
	SELECT * FROM listing WHERE workspace = $1 AND kind = $2
), ours AS (
	SELECT * FROM page WHERE workspace = $1 AND kind = $2
), oldest AS (
	-- of several pages with one id; what is archived comes last
	SELECT DISTINCT ON (resource_id) *
	  FROM here WHERE resource_id <> ''
	 ORDER BY resource_id, archived, created_at, page_id
), unknown AS (
	SELECT CASE WHEN p.page_id = o.page_id THEN 'restored'
	            ELSE 'unknown' END AS what,
	       o.resource_id, o.page_id, o.url
	  FROM oldest o LEFT JOIN ours p ON p.resource_id = o.resource_id
	 WHERE (p.state IS NULL OR p.state = 'trashed' OR (p.state = 'written'
			AND p.data_source_id <> $3))
	   AND NOT EXISTS (SELECT FROM page x WHERE x.page_id = o.page_id
		AND (x.kind, x.resource_id) <> ($2, o.resource_id))
	   -- in a database of calls and messages an id alone does not tell which
	   AND (NOT EXISTS (SELECT FROM destination d
			WHERE d.workspace = $1 AND d.kind <> $2
			  AND d.data_source_id = $3)
		OR EXISTS (SELECT FROM resource r WHERE r.workspace = $1
			AND r.kind = $2 AND r.id = o.resource_id))
), missing AS (
	SELECT 'missing' AS what, p.resource_id, p.page_id, p.url
	  FROM ours p
	 WHERE p.state = 'written' AND p.created_at < $4::timestamptz
	   AND coalesce(p.data_source_id, $3) = $3
	   AND NOT EXISTS (SELECT FROM here WHERE here.page_id = p.page_id)
), doubled AS (
	SELECT 'doubled' AS what, h.resource_id, h.page_id, h.url
	  FROM here h JOIN oldest o ON o.resource_id = h.resource_id
	  LEFT JOIN ours p ON p.resource_id = h.resource_id
		AND EXISTS (SELECT FROM here WHERE here.page_id = p.page_id)
	 WHERE NOT h.archived
	   AND h.page_id <> coalesce(p.page_id, o.page_id)
), renamed AS (
	SELECT 'renamed' AS what, p.resource_id, p.page_id, p.url
	  FROM ours p JOIN here h ON h.page_id = p.page_id
	 WHERE p.state = 'written' AND h.resource_id <> p.resource_id
	   AND p.written_at < h.listed_at
), unwritten AS (
	SELECT 'unwritten' AS what, r.id, '' AS page_id, NULL AS url
	  FROM resource r LEFT JOIN ours p ON p.resource_id = r.id
	 WHERE r.workspace = $1 AND r.kind = $2 AND r.changed_at < $4::timestamptz
	   AND (p.state IS NULL OR p.state = 'intent')
	   AND NOT EXISTS (SELECT FROM job j
		WHERE (j.workspace, j.kind, j.resource_id) = ($1, $2, r.id))
	   AND NOT EXISTS (SELECT FROM oldest o WHERE o.resource_id = r.id)
	   -- a person put it away, and nothing came since
	   AND NOT EXISTS (SELECT FROM job_done d
		WHERE (d.workspace, d.kind, d.resource_id) = ($1, $2, r.id)
		  AND d.outcome = 'discarded' AND d.finished_at > r.changed_at)
	   AND ($2 <> 'contact' OR (r.facts <> '{}'
		AND (r.facts -> 'deleted') IS DISTINCT FROM 'true'))
)
INSERT INTO finding (workspace, kind, side, what, resource_id, page_id, url)
SELECT $1, $2, 'notion', f.* FROM (
	SELECT * FROM unknown UNION ALL SELECT * FROM missing
	UNION ALL SELECT * FROM doubled UNION ALL SELECT * FROM renamed
	UNION ALL SELECT * FROM unwritten) f
