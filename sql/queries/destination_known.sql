-- $1 workspace, $2 kind, $3 data source: all its pages of ours have a row. (Not
-- so where calls and messages share it: see compare_pages.)
UPDATE destination d SET known_in = incarnation()
 WHERE workspace = $1 AND kind = $2 AND data_source_id = $3
   AND NOT EXISTS (SELECT FROM destination o WHERE o.workspace = $1
	AND o.kind <> $2 AND o.data_source_id = $3)
