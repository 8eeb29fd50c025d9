-- $1 workspace: look whether jobs were given up
SELECT alert_look($1, 'dead', '', (
	SELECT jsonb_build_array(jsonb_build_object('part', '',
		'amount', sum(n), 'reason', format('%s %s given up (%s)', sum(n),
			CASE sum(n) WHEN 1 THEN 'job was' ELSE 'jobs were' END,
			string_agg(kind || ': ' || n, ', ' ORDER BY kind))))
	  FROM (SELECT kind, count(*) AS n FROM job
		 WHERE workspace = $1 AND dead GROUP BY kind) d
	HAVING sum(n) > 0))
