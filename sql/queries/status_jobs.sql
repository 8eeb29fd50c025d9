SELECT state, count(*) AS jobs, min(created_at) AS oldest
  FROM v_jobs GROUP BY state ORDER BY state
