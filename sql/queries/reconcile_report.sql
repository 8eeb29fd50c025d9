-- $1 workspace: what the last reconciliation saw, as people write numbers
SELECT (SELECT count(*) FROM finding
	 WHERE workspace = $1 AND repaired_at IS NULL) AS open,
       to_char((SELECT count(*) FROM finding
	 WHERE workspace = $1 AND repaired_at IS NULL), 'FM999,999,990')
	AS open_text,
       to_char((SELECT count(*) FROM finding
	 WHERE workspace = $1 AND repaired_at IS NOT NULL), 'FM999,999,990')
	AS repaired,
       to_char(count(DISTINCT resource_id) FILTER (WHERE kind = 'call'),
	'FM999,999,990') AS calls,
       to_char(count(DISTINCT resource_id) FILTER (WHERE kind = 'message'),
	'FM999,999,990') AS messages,
       to_char(count(DISTINCT resource_id) FILTER (WHERE kind = 'contact'),
	'FM999,999,990') AS contacts
  FROM listing WHERE workspace = $1 AND resource_id <> ''
