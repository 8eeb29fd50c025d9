-- $1 workspace: do we have contacts?
SELECT EXISTS (SELECT FROM resource
	WHERE workspace = $1 AND kind = 'contact' AND facts <> '{}') AS any
