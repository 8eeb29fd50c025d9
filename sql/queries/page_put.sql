-- $1 workspace, $2 kind, $3 resource id, $4 state, $5 page id, $6 URL,
-- $7 title, $8 icon, $9 hashes of the properties, $10 sections,
-- $11 data source, $12 job, $13 run id: no row if that holds its lease no more,
-- $14 we threw it away
WITH held AS (
	SELECT FROM job WHERE id = $12::bigint AND lease_by = $13::bigint FOR SHARE
)
INSERT INTO page (workspace, kind, resource_id, state, page_id, url, title,
	icon, properties, sections, data_source_id, created_at, written_at,
	withdrawn)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9::jsonb, $10::jsonb, $11, now(),
       now(), $14::boolean
  FROM held
ON CONFLICT (workspace, kind, resource_id) DO UPDATE
   SET state = excluded.state, page_id = excluded.page_id,
       url = excluded.url, title = excluded.title, icon = excluded.icon,
       properties = excluded.properties, sections = excluded.sections,
       data_source_id = excluded.data_source_id,
       created_at = coalesce(page.created_at, now()), written_at = now(),
       withdrawn = excluded.withdrawn
RETURNING true
