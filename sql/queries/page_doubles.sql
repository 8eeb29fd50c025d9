-- $1 workspace, $2 kind, $3 resource id, $4 addresses of other pages that carry
-- its id
UPDATE page SET doubles = $4::jsonb
 WHERE workspace = $1 AND kind = $2 AND resource_id = $3
