-- $1 workspace, $2 kind, $3 ids, $4 where links begin, or null: all that is
-- known of each, in the order of the ids; these are of a batch, so that
-- nothing far is between the first and the last
SELECT r.id, jsonb_build_object('workspace', r.workspace, 'kind', r.kind,
	'id', r.id, 'outcome', r.outcome, 'facts', r.facts, 'page', p.url,
	'files', coalesce(m.files, '[]')) AS record
  FROM resource r
  LEFT JOIN page p ON (p.workspace, p.kind, p.resource_id)
                    = (r.workspace, r.kind, r.id) AND p.state = 'written'
  LEFT JOIN LATERAL (
	SELECT jsonb_agg(jsonb_build_object('slot', slot, 'key', key,
		'type', type, 'size', size, 'sha256', sha256,
		'link', $4 || token) ORDER BY slot) AS files
	  FROM media
	 WHERE (media.workspace, media.kind, media.resource_id)
	     = (r.workspace, r.kind, r.id) AND state = 'stored') m ON true
 WHERE r.workspace = $1 AND r.kind = $2 AND r.id = ANY ($3::text[])
   AND r.id >= ($3::text[])[1] AND r.id <= ($3::text[])[cardinality($3::text[])]
 ORDER BY r.id
