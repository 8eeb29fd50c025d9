-- $1 workspace, $2 side or null: what the last reconciliation saw. pages: ids
-- on Notion's pages; listed: what OpenPhone listed
WITH f AS (
	SELECT repaired_at FROM finding
	 WHERE workspace = $1 AND ($2::text IS NULL OR side = $2)
), p AS (
	-- not count(DISTINCT), which sorts what an index has sorted
	SELECT kind, count(*) AS n FROM (SELECT DISTINCT kind, resource_id
		FROM listing WHERE workspace = $1 AND resource_id <> '') d
	 GROUP BY kind
), u AS (
	SELECT kind, count(*) AS n FROM upstream WHERE workspace = $1 GROUP BY kind
)
SELECT (SELECT count(*) FROM f WHERE repaired_at IS NULL) AS open,
       (SELECT count(*) FROM f WHERE repaired_at IS NOT NULL) AS repaired,
       (SELECT n FROM p WHERE kind = 'call') AS call_pages,
       (SELECT n FROM p WHERE kind = 'message') AS message_pages,
       (SELECT n FROM p WHERE kind = 'contact') AS contact_pages,
       (SELECT n FROM u WHERE kind = 'call') AS calls,
       (SELECT n FROM u WHERE kind = 'message') AS messages
