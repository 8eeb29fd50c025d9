-- $1 workspace, $2 kind, $3 side, $4 what was found, $5 it is repaired
INSERT INTO finding (workspace, kind, side, what, resource_id, repaired_at)
SELECT $1, $2, $3, f.what, f.resource_id, CASE WHEN $5::boolean THEN now() END
  FROM jsonb_to_recordset($4::jsonb) AS f (what text, resource_id text)
ON CONFLICT DO NOTHING
