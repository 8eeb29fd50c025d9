-- $1 workspace: do we have contacts?
SELECT count(*) > 0 AS any FROM (SELECT FROM resource
	WHERE workspace = $1 AND kind = 'contact' AND facts <> '{}'
	ORDER BY id LIMIT 1) first
