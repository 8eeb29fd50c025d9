-- $1 workspace, $2 kind, $3 resource id, $4 job, $5 run id: looked for, and not
-- found; no row if the run holds the lease no more
WITH held AS (
	SELECT FROM job WHERE id = $4::bigint AND lease_by = $5::bigint FOR SHARE
)
UPDATE page SET lookups = lookups + 1
  FROM held
 WHERE workspace = $1 AND kind = $2 AND resource_id = $3 AND state = 'intent'
RETURNING lookups
