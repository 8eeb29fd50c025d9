-- $1 workspace, $2 id of doctor's own job, which nobody has taken
DELETE FROM job
 WHERE workspace = $1 AND kind = 'probe' AND resource_id = $2
   AND lease_by IS NULL
