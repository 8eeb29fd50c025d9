-- $1 workspaces, $2 token
SELECT workspace, key, type FROM v_links
 WHERE workspace = ANY ($1::text[]) AND token = $2
