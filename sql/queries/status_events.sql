-- today's deliveries, and the last one
SELECT (SELECT count(*) FROM event WHERE received_at >= date_trunc('day', now())) AS today,
       (SELECT received_at FROM event ORDER BY id DESC LIMIT 1) AS last
