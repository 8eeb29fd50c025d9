-- $1 workspace, $2 kind, $3 what, $4 page id: the next one after that page
SELECT resource_id, page_id FROM finding
 WHERE workspace = $1 AND kind = $2 AND what = $3 AND page_id > $4
   AND repaired_at IS NULL
 ORDER BY page_id LIMIT 1
