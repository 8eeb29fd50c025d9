-- $1 workspace, $2 resource id, $3 slot or null for all: what is stored of it
SELECT kind, slot, token FROM media
 WHERE workspace = $1 AND kind IN ('call', 'message') AND resource_id = $2
   AND state = 'stored' AND slot = coalesce($3, slot)
 ORDER BY kind, slot
