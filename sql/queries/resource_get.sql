-- $1 workspace, $2 kind, $3 id. recheck_in: seconds, null: nothing expected
SELECT facts, times, checks,
       extract(epoch FROM recheck_at - now())::bigint AS recheck_in
  FROM resource WHERE workspace = $1 AND kind = $2 AND id = $3
