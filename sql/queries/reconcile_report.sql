-- $1 workspace, $2 side or null: what the last reconciliation saw. calls,
-- messages: what OpenPhone listed
WITH f AS (
	SELECT repaired_at FROM finding
	 WHERE workspace = $1 AND ($2::text IS NULL OR side = $2)
), u AS (
	SELECT kind, count(*) AS n FROM upstream WHERE workspace = $1 GROUP BY kind
)
SELECT (SELECT count(*) FROM f WHERE repaired_at IS NULL) AS open,
       (SELECT count(*) FROM f WHERE repaired_at IS NOT NULL) AS repaired,
       (SELECT n FROM u WHERE kind = 'call') AS calls,
       (SELECT n FROM u WHERE kind = 'message') AS messages
