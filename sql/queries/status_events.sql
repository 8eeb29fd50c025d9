-- $1 workspace: today's deliveries, and the last one
SELECT (SELECT count(*) FROM event
	 WHERE workspace = $1 AND received_at >= date_trunc('day', now())) AS today,
       (SELECT received_at FROM event WHERE workspace = $1
	 ORDER BY id DESC LIMIT 1) AS last
