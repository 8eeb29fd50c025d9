-- $1 workspace: a backfill that is reading lists; what it brings in later would
-- be missed
SELECT id FROM v_backfills
 WHERE workspace = $1 AND state = 'listing' ORDER BY id LIMIT 1
