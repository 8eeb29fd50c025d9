-- $1 workspace: since when there are deliveries, what the last backfill has come
-- to, and what the last comparison with OpenPhone and Notion found and nobody has
-- repaired
SELECT (SELECT to_char(received_at, 'YYYY-MM-DD') FROM event
	 WHERE workspace = $1 ORDER BY received_at LIMIT 1) AS first,
       b.id, b.state, to_char(b.since, 'YYYY-MM-DD') AS since, b.reason,
       (SELECT string_agg(n || ' ' || what, ', ' ORDER BY what)
	  FROM (SELECT what, count(*) AS n FROM finding
		 WHERE workspace = $1 AND repaired_at IS NULL
		 GROUP BY what) f) AS open
  FROM (SELECT) one
  LEFT JOIN LATERAL (SELECT * FROM v_backfills
	WHERE workspace = $1 AND state <> 'cancelled'
	ORDER BY v_backfills.id DESC LIMIT 1) b ON true
