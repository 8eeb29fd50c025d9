-- $1 workspace, $2 at most, $3 side or null: what does not agree
SELECT what, kind, resource_id,
       CASE WHEN repaired_at IS NULL THEN 'open' ELSE 'repaired' END AS state,
       url
  FROM finding WHERE workspace = $1 AND ($3::text IS NULL OR side = $3)
 ORDER BY repaired_at IS NOT NULL, what, kind, resource_id, page_id
 LIMIT $2::int
