-- $1 workspace: deleted contacts that OpenPhone listed
SELECT r.id FROM resource r
  JOIN upstream u ON (u.workspace, u.kind, u.resource_id)
                   = (r.workspace, r.kind, r.id)
 WHERE r.workspace = $1 AND r.kind = 'contact'
   AND r.facts -> 'deleted' = 'true'
 ORDER BY r.id
