-- $1 workspace: what a person must mend now
SELECT service, part, reason, date_trunc('second', since) AS since
  FROM v_troubles WHERE workspace = $1
 ORDER BY since, service, part
