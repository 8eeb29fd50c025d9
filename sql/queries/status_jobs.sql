-- $1 workspace
SELECT state, count(*) AS jobs, min(created_at) AS oldest
  FROM v_jobs WHERE workspace = $1
 GROUP BY state ORDER BY state
