-- $1 run id; its leases go with it
WITH gone AS (DELETE FROM run WHERE id = $1::bigint RETURNING id)
UPDATE job SET lease_until = NULL, lease_by = NULL
 WHERE lease_by IN (SELECT id FROM gone)
