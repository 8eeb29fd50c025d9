-- $1 workspace, $2 kind, $3 archived, $4 rows of a Notion database, in brief
INSERT INTO listing (workspace, kind, page_id, resource_id, url, created_at,
	archived)
SELECT DISTINCT ON (r.id) $1, $2, r.id::uuid::text, r.text, r.url,
       r.created_time, $3::boolean
  FROM jsonb_to_recordset($4::jsonb)
    AS r (id text, text text, url text, created_time timestamptz)
ON CONFLICT (workspace, kind, page_id) DO UPDATE
   SET resource_id = excluded.resource_id, url = excluded.url,
       archived = excluded.archived, listed_at = now()
