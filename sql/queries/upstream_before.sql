-- $1 workspace, $2 kind, $3 ids that OpenPhone listed: what is known of each,
-- before that is folded in. Of what has a job the rest is on its way.
WITH put AS (
	INSERT INTO upstream (workspace, kind, resource_id)
	SELECT DISTINCT $1, $2, id FROM unnest($3::text[]) AS id ORDER BY 3
	ON CONFLICT DO NOTHING
)
SELECT coalesce(json_agg(json_build_object('id', g.id,
	'known', r.id IS NOT NULL, 'deleted', r.facts -> 'deleted',
	'status', CASE $2 WHEN 'call' THEN r.outcome
		ELSE r.facts ->> 'status' END)), '[]') AS known
  FROM unnest($3::text[]) AS g (id)
  LEFT JOIN resource r ON (r.workspace, r.kind, r.id) = ($1, $2, g.id)
 WHERE NOT EXISTS (SELECT FROM job j
	WHERE (j.workspace, j.kind, j.resource_id) = ($1, $2, g.id))
