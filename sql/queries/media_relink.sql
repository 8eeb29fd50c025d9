-- $1 workspace, $2 kind, $3 resource id, $4 slot, $5 token; null revokes
UPDATE media SET token = $5
 WHERE workspace = $1 AND kind = $2 AND resource_id = $3 AND slot = $4
   AND state = 'stored'
