-- $1 workspace, $2 kind, $3 resource id: the creation certainly did not happen
DELETE FROM page
 WHERE workspace = $1 AND kind = $2 AND resource_id = $3 AND state = 'intent'
