-- $1 workspace, $2 kind, $3 id: what is stored of it
SELECT key FROM media
 WHERE (workspace, kind, resource_id) = ($1, $2, $3) AND key IS NOT NULL
