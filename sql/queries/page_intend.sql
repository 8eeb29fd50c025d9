-- $1 workspace, $2 kind, $3 resource id, $4 title, $5 icon, $6 properties,
-- $7 sections, $8 data source, $9 job, $10 run id: a creation of this page is
-- about to be sent; no row if the run holds the lease no more, or the page was
-- adopted meanwhile
WITH held AS (
	SELECT FROM job WHERE id = $9::bigint AND lease_by = $10::bigint FOR SHARE
)
INSERT INTO page (workspace, kind, resource_id, state, title, icon,
	properties, sections, data_source_id)
SELECT $1, $2, $3, 'intent', $4, $5, $6::jsonb, $7::jsonb, $8 FROM held
ON CONFLICT (workspace, kind, resource_id) DO UPDATE
   SET state = 'intent', page_id = NULL, url = NULL, intent_at = now(),
       lookups = 0, title = excluded.title, icon = excluded.icon,
       properties = excluded.properties, sections = excluded.sections,
       data_source_id = excluded.data_source_id
 WHERE page.state <> 'written'
    OR page.data_source_id <> excluded.data_source_id
RETURNING true
