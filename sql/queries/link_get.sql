-- $1 token
SELECT key, type FROM v_links WHERE token = $1
