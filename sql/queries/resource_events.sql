-- $1 workspace, $2 kind, $3 id: its events that are not folded in yet
SELECT e.id, b.body
  FROM event e JOIN event_body b
    ON b.event_id = e.id AND b.received_at = e.received_at
 WHERE e.workspace = $1 AND e.kind = $2 AND e.resource_id = $3
   AND e.id <> ALL (coalesce((SELECT events FROM resource
	WHERE workspace = $1 AND kind = $2 AND id = $3), '{}'))
 ORDER BY e.id
