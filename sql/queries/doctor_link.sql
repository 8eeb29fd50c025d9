-- $1 workspace: the link to what was stored last
SELECT l.token FROM v_links l JOIN media m USING (workspace, token)
 WHERE l.workspace = $1 ORDER BY m.stored_at DESC LIMIT 1
