-- $1 workspace, $2 and $3 kind and id where the batch before ended: what the
-- last reading of OpenPhone's lists found is forgotten. last_kind, last_id: where
-- the batch ends, null: no more
WITH old AS (
	SELECT kind, resource_id FROM upstream
	 WHERE workspace = $1 AND (kind, resource_id) > ($2, $3)
	 ORDER BY kind, resource_id LIMIT 20000
), forgotten AS (
	DELETE FROM upstream u USING old
	 WHERE u.workspace = $1
	   AND (u.kind, u.resource_id) = (old.kind, old.resource_id)
), settled AS (
	DELETE FROM finding
	 WHERE workspace = $1 AND side = 'openphone' AND $2 = ''
)
SELECT last.kind AS last_kind, last.resource_id AS last_id
  FROM (SELECT) one LEFT JOIN LATERAL (SELECT * FROM old
	ORDER BY kind DESC, resource_id DESC LIMIT 1) last ON true
