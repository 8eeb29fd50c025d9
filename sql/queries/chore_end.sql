-- $1 workspace, $2 name, $3 run id, $4 what came of it, or null: it was not
-- brought to its end
UPDATE chore
   SET run = NULL, lease_until = NULL,
       finished_at = CASE WHEN $4::text IS NULL THEN finished_at ELSE now() END,
       summary = coalesce($4, summary)
 WHERE workspace = $1 AND name = $2 AND run = $3::bigint
