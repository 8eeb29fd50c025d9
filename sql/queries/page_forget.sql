-- $1 workspace, $2 kind, $3 resource id, $4 job, $5 run id: the creation
-- certainly did not happen. Without the lease the intent is another's.
WITH held AS (
	SELECT FROM job WHERE id = $4::bigint AND lease_by = $5::bigint FOR SHARE
)
DELETE FROM page USING held
 WHERE workspace = $1 AND kind = $2 AND resource_id = $3 AND state = 'intent'
