-- $1 workspace, $2 numbers and ids of contacts as a JSON array, $3 and $4 kind
-- and id where the batch before ended: calls and messages that have one of
-- them anywhere. spoke: somebody with it speaks in a transcript (packed lines
-- are JSON within JSON). last_kind, last_id: where the batch ends, null: no
-- more.
WITH who AS (
	SELECT jsonb_array_elements_text($2::jsonb) AS who
), known AS (
	SELECT kind, id, facts FROM resource
	 WHERE workspace = $1 AND (kind, id) > ($3, $4)
	 ORDER BY kind, id LIMIT 2000
), hit AS (
	SELECT k.kind, k.id, k.facts
	  FROM known k CROSS JOIN LATERAL (SELECT k.facts::text OFFSET 0) t (text)
	 WHERE k.kind <> 'contact' AND EXISTS (SELECT FROM who WHERE strpos(t.text, who) > 0)
)
SELECT (SELECT coalesce(json_agg(json_build_object('kind', kind, 'id', id,
		'facts', facts - '{transcripts,summary,recordings,text,media}'::text[],
		'spoke', EXISTS (SELECT FROM who
			WHERE strpos(facts ->> 'transcripts', '"' || who || '"') > 0
			   OR strpos(facts ->> 'transcripts',
				'\"' || who || '\"') > 0))), '[]')
	  FROM hit) AS hits, last.kind AS last_kind, last.id AS last_id
  FROM (SELECT) one LEFT JOIN LATERAL (SELECT kind, id FROM known
	ORDER BY kind DESC, id DESC LIMIT 1) last ON true
