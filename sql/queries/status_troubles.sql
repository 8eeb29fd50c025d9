-- $1 workspace: what a person must mend now
SELECT service, part, reason, since FROM v_troubles WHERE workspace = $1
 ORDER BY since, service, part
