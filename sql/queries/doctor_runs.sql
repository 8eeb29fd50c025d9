-- $1 workspace, $2 host: the last starts of ons-process, the newest first; ages
-- in seconds
SELECT host, host = split_part($2, ' ', 1) AS here,
       program = 'draining' AS draining,
       extract(epoch FROM now() - started_at)::bigint AS started,
       extract(epoch FROM now() - seen_at)::bigint AS seen
  FROM last_run
 WHERE workspace = $1
 ORDER BY started_at DESC
