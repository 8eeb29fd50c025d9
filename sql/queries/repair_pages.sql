-- $1 workspace, $2 kind, $3 data source, $4 property id of the column with
-- OpenPhone's id, $5 removed pages are made anew, $6 priority: the next
-- findings are repaired; how many that were. An adopted page is one of which
-- is known only that it is there.
WITH next AS MATERIALIZED (
	SELECT what, resource_id, page_id, url FROM finding
	 WHERE workspace = $1 AND kind = $2 AND repaired_at IS NULL
	   AND what IN ('missing', 'restored', 'unknown', 'renamed',
		'unwritten')
	 ORDER BY what, page_id LIMIT 1000
), removed AS (
	UPDATE page p SET state = 'trashed' FROM next n
	 WHERE n.what = 'missing' AND p.workspace = $1 AND p.kind = $2
	   AND p.resource_id = n.resource_id AND p.page_id = n.page_id
), restored AS (
	UPDATE page p SET state = 'written' FROM next n
	 WHERE n.what = 'restored' AND p.workspace = $1 AND p.kind = $2
	   AND p.resource_id = n.resource_id AND p.page_id = n.page_id
), renamed AS (
	UPDATE page p SET properties = p.properties - $4 FROM next n
	 WHERE n.what = 'renamed' AND p.workspace = $1 AND p.kind = $2
	   AND p.resource_id = n.resource_id AND p.page_id = n.page_id
), adopted AS (
	INSERT INTO page (workspace, kind, resource_id, state, page_id, url,
		sections, data_source_id, created_at)
	SELECT $1, $2, n.resource_id, 'written', n.page_id, n.url,
	       '[{"name": "adopted", "hash": "", "count": 1}]', $3, l.created_at
	  FROM next n JOIN listing l
	    ON (l.workspace, l.kind, l.page_id) = ($1, $2, n.page_id)
	 WHERE n.what = 'unknown'
	ON CONFLICT (workspace, kind, resource_id) DO UPDATE
	   SET state = excluded.state, page_id = excluded.page_id,
	       url = excluded.url, title = NULL, icon = NULL,
	       properties = '{}', sections = excluded.sections,
	       data_source_id = excluded.data_source_id,
	       created_at = excluded.created_at, written_at = NULL
	 WHERE page.state = 'trashed'
	    OR page.data_source_id <> excluded.data_source_id
), due AS MATERIALIZED (
	-- of a page whose resource is not known there is nothing to write yet
	SELECT job_due($1, $2, n.resource_id, $6::int) FROM next n
	 WHERE n.what IN ('restored', 'renamed', 'unwritten')
	    OR (n.what = 'missing' AND $5::boolean)
	    OR (n.what = 'unknown' AND EXISTS (SELECT FROM resource r
		WHERE (r.workspace, r.kind, r.id) = ($1, $2, n.resource_id)))
	 ORDER BY n.resource_id
), repaired AS (
	UPDATE finding f SET repaired_at = now() FROM next n
	 WHERE f.workspace = $1 AND f.kind = $2 AND f.what = n.what
	   AND f.resource_id = n.resource_id AND f.page_id = n.page_id
	RETURNING f.what
)
SELECT (SELECT count(*) FROM repaired) AS repaired,
       (SELECT count(*) FROM due) AS due
