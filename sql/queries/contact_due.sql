-- $1 workspace, $2 contact, $3 its database is configured: a contact that was
-- asked for by name gets a page, too, if there is a database for contacts
INSERT INTO job (workspace, kind, resource_id, priority)
SELECT $1, 'contact', $2, 10
 WHERE ($3::boolean OR EXISTS (SELECT FROM destination
	WHERE workspace = $1 AND kind = 'contact'))
   AND NOT EXISTS (SELECT FROM resource
	WHERE workspace = $1 AND kind = 'contact' AND id = $2)
ON CONFLICT (workspace, kind, resource_id) DO NOTHING
