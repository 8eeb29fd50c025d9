-- $1 workspace, $2 id of a call, message or contact, $3 at most: its failed
-- attempts, the last ones
SELECT to_char(at, 'YYYY-MM-DD HH24:MI:SS') AS at, attempt,
       round(extract(epoch FROM took)::numeric, 1) AS took, error_kind, error,
       host
  FROM (SELECT * FROM attempt
	 WHERE workspace = $1 AND resource_id = $2
	 ORDER BY at DESC LIMIT $3::int) last
 ORDER BY last.at
