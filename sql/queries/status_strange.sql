-- $1 the workspaces that the configuration has: unfinished work of others
SELECT workspace, count(*) AS jobs FROM job
 WHERE workspace <> ALL ($1::text[])
 GROUP BY workspace ORDER BY workspace
