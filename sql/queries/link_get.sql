-- $1 workspace, $2 token
SELECT key, type FROM v_links WHERE workspace = $1 AND token = $2
