-- $1 workspace, $2 kind, $3 resource id, $4 job, $5 run id: looked for, and not
-- found. No row: the lease was lost
UPDATE page SET lookups = lookups + 1
 WHERE workspace = $1 AND kind = $2 AND resource_id = $3 AND state = 'intent'
   AND EXISTS (SELECT FROM job
	WHERE id = $4::bigint AND lease_by = $5::bigint FOR SHARE)
RETURNING lookups
