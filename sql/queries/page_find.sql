-- $1 workspace, $2 id of a resource or of a page
SELECT kind, resource_id, state, page_id, url, title, doubles FROM page
 WHERE workspace = $1 AND (page_id = $2
	OR kind IN ('call', 'message', 'contact') AND resource_id = $2)
