-- $1 workspace, $2 kind, $3 id, $4 bytes: of the facts what comes first.
-- recheck_in: seconds, null: nothing expected
SELECT substring(convert_to(facts::text, 'UTF8') FROM 1 FOR $4::int) AS piece,
       octet_length(facts::text) AS size, times, checks,
       refold, redacted, changed_at, coalesce(backfill, 0) AS backfill,
       extract(epoch FROM recheck_at - now())::bigint AS recheck_in
  FROM resource WHERE workspace = $1 AND kind = $2 AND id = $3
