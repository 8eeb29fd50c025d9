SELECT u.workspace, u.service, u.requests,
       CASE WHEN b.paused_until > now() THEN b.paused_until END AS paused_until,
       CASE WHEN b.paused_until > now() THEN b.reason END AS reason
  FROM usage u LEFT JOIN bucket b USING (workspace, service)
 WHERE u.day = current_date
 ORDER BY 1, 2
