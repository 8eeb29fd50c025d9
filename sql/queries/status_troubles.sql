-- what a person must mend now
SELECT workspace, service, part, reason, since FROM v_troubles
 ORDER BY since, workspace, service, part
