-- $1 workspaces, $2 host, $3 program: it begins to work for them there. Hosts
-- that are long gone are forgotten.
WITH gone AS (
	DELETE FROM last_run
	 WHERE seen_at < now() - interval '30 days'
	   AND host <> split_part($2, ' ', 1)
)
INSERT INTO last_run (workspace, host, program)
SELECT name, split_part($2, ' ', 1), $3 FROM unnest($1::text[]) AS name
 ORDER BY name
ON CONFLICT (workspace, host) DO UPDATE
   SET program = excluded.program, started_at = now(), seen_at = now()
