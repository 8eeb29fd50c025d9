-- $1 workspace: what the last reading of OpenPhone's lists found is forgotten
WITH forgotten AS (
	DELETE FROM upstream WHERE workspace = $1
)
DELETE FROM finding WHERE workspace = $1 AND side = 'openphone'
