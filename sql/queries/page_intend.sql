-- $1 workspace, $2 kind, $3 resource id, $4 title, $5 icon, $6 properties,
-- $7 sections, $8 data source: a creation of this page is about to be sent.
-- No row: there is a page already, which was adopted meanwhile.
INSERT INTO page (workspace, kind, resource_id, state, title, icon,
	properties, sections, data_source_id)
VALUES ($1, $2, $3, 'intent', $4, $5, $6::jsonb, $7::jsonb, $8)
ON CONFLICT (workspace, kind, resource_id) DO UPDATE
   SET state = 'intent', page_id = NULL, url = NULL, intent_at = now(),
       lookups = 0, title = excluded.title, icon = excluded.icon,
       properties = excluded.properties, sections = excluded.sections,
       data_source_id = excluded.data_source_id
 WHERE page.state <> 'written'
    OR page.data_source_id <> excluded.data_source_id
RETURNING state
