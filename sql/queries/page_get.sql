-- $1 workspace, $2 kind, $3 resource id
SELECT state, page_id, url, title, icon, properties, sections, data_source_id,
       withdrawn,
       floor(extract(epoch FROM now() - intent_at) * 1000)::bigint AS intent_age_ms,
       floor(extract(epoch FROM now() - written_at) * 1000)::bigint AS written_age_ms
  FROM page WHERE workspace = $1 AND kind = $2 AND resource_id = $3
