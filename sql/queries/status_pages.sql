-- $1 workspace
SELECT count(*) FILTER (WHERE created_at >= date_trunc('day', now())) AS today,
       max(created_at) AS last
  FROM page WHERE workspace = $1 AND state = 'written'
