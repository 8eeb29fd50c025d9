-- $1 workspace, $2 kind, $3 page where the batch before ended: what the last
-- listing found is forgotten. last: where the batch ends, null: no more; began:
-- the time
WITH old AS (
	SELECT page_id FROM listing
	 WHERE workspace = $1 AND kind = $2 AND page_id > $3
	 ORDER BY page_id LIMIT 20000
), forgotten AS (
	DELETE FROM listing
	 WHERE workspace = $1 AND kind = $2 AND page_id > $3
	   AND page_id <= (SELECT max(page_id) FROM old)
), settled AS (
	DELETE FROM finding
	 WHERE workspace = $1 AND kind = $2 AND side = 'notion' AND $3 = ''
)
SELECT now() AS began, max(page_id) AS last FROM old
