-- $1 workspace, $2 kind or null: all, $3 created not before and $4 before, or
-- null, $5 numbers and ids of contacts as a JSON array, [] for everybody, $6
-- and $7 kind and id where the batch before ended. What may be of these: an
-- array of {kind, id, size, spoke}, where size is that of the facts as stored,
-- and spoke: somebody with the number speaks in a transcript. last_kind,
-- last_id: where the batch ends, null: no more.
WITH who AS (
	SELECT jsonb_array_elements_text($5::jsonb) AS who
), known AS (
	SELECT kind, id, facts, coalesce((facts ->> 'createdAt')::timestamptz,
		changed_at) AS at
	  FROM resource
	 WHERE workspace = $1 AND ($2::text IS NULL OR kind = $2)
	   AND (kind, id) > ($6, $7)
	 ORDER BY kind, id LIMIT 2000
), hit AS (
	SELECT kind, id, pg_column_size(facts) AS size, EXISTS (SELECT FROM who
		WHERE strpos(facts ->> 'transcripts', '"' || who || '"') > 0
		   OR strpos(facts ->> 'transcripts',
			'\"' || who || '\"') > 0) AS spoke
	  FROM known
	 WHERE ($3::text IS NULL OR at >= $3::timestamptz)
	   AND ($4::text IS NULL OR at < $4::timestamptz)
	   AND ($5::jsonb = '[]' OR EXISTS (SELECT FROM who
		WHERE strpos(facts::text, who) > 0))
)
SELECT (SELECT coalesce(json_agg(json_build_object('kind', kind, 'id', id,
		'size', size, 'spoke', spoke) ORDER BY kind, id), '[]')
	  FROM hit) AS hits, last.kind AS last_kind, last.id AS last_id
  FROM (SELECT) one LEFT JOIN LATERAL (SELECT kind, id FROM known
	ORDER BY kind DESC, id DESC LIMIT 1) last ON true
