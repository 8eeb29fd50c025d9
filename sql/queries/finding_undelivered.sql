-- $1 workspace, $2 kind, $3 resource id, $4 it is repaired: a delivery of it is
-- missing. One finding a resource; none where a list has told of it already.
INSERT INTO finding (workspace, kind, side, what, resource_id, repaired_at)
SELECT $1, $2, 'openphone', 'undelivered', $3,
       CASE WHEN $4::boolean THEN now() END
 WHERE NOT EXISTS (SELECT FROM finding f
	WHERE (f.workspace, f.kind, f.side, f.resource_id)
	    = ($1, $2, 'openphone', $3))
