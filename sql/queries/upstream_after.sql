-- $1 workspace, $2 kind, $3 what upstream_before said: what was lost, and of
-- what OpenPhone knew more, now that it is folded in; what it has again
SELECT coalesce(json_agg(json_build_object('resource_id', b.id, 'what',
	CASE WHEN NOT b.known THEN 'lost' WHEN b.deleted THEN 'returned'
	     ELSE 'outdated' END)), '[]') AS findings
  FROM jsonb_to_recordset($3::jsonb)
    AS b (id text, known boolean, deleted boolean, status text)
  JOIN resource r ON (r.workspace, r.kind, r.id) = ($1, $2, b.id)
 WHERE NOT b.known OR b.deleted
    OR b.status IS DISTINCT FROM CASE $2
	WHEN 'call' THEN r.outcome ELSE r.facts ->> 'status' END
