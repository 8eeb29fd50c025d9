-- $1 forgetting: the next item of its list; contacts last, for their numbers
-- say what else is the person's
SELECT kind, resource_id, way FROM forgetting_item
 WHERE forgetting = $1::bigint
 ORDER BY kind = 'contact', kind, resource_id LIMIT 1
