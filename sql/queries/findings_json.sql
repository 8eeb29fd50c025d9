-- $1 workspace, $2 at most, $3 side or null: what does not agree, as JSON
SELECT coalesce(json_agg(f), '[]') AS findings
  FROM (SELECT side, what, kind, resource_id, page_id, url, found_at,
	       repaired_at
	  FROM finding
	 WHERE workspace = $1 AND ($3::text IS NULL OR side = $3)
	 ORDER BY repaired_at IS NOT NULL, side, what, kind, resource_id,
	       page_id
	 LIMIT $2::int) f
