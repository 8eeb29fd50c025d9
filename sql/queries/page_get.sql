-- $1 workspace, $2 kind, $3 resource id
SELECT state, page_id, url, title, icon, properties, sections, lookups,
       data_source_id
  FROM page WHERE workspace = $1 AND kind = $2 AND resource_id = $3
