-- $1 workspace, $2 kind: what the last listing found is forgotten; the time
WITH forgotten AS (
	DELETE FROM listing WHERE workspace = $1 AND kind = $2
), settled AS (
	DELETE FROM finding
	 WHERE workspace = $1 AND kind = $2 AND side = 'notion'
)
SELECT now() AS began
