-- $1 workspace, $2 kind, $3 resource id: looked for, and not found
UPDATE page SET lookups = lookups + 1
 WHERE workspace = $1 AND kind = $2 AND resource_id = $3 AND state = 'intent'
RETURNING lookups
