-- $1 workspace, $2 kind, $3 ids: the rows of their jobs, locked until the
-- transaction ends. Who writes a resource has its job first, then the resource
-- (resource_put); so must who lists it, or each waits for the other. Sorted as
-- event_store() sorts them.
SELECT FROM job
 WHERE workspace = $1 AND kind = $2 AND resource_id = ANY ($3::text[])
 ORDER BY resource_id
   FOR NO KEY UPDATE
