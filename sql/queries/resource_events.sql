-- $1 workspace, $2 kind, $3 id, $4 bytes: its events that are not folded in
-- yet (all, if it is to be folded again), and of their bodies what comes first
SELECT e.id, e.received_at, substring(b.body FROM 1 FOR $4::int) AS piece,
       octet_length(b.body) AS size
  FROM event e JOIN event_body b
    ON b.event_id = e.id AND b.received_at = e.received_at
 WHERE e.workspace = $1 AND e.kind = $2 AND e.resource_id = $3
   AND e.id <> ALL (coalesce((SELECT events FROM resource
	WHERE workspace = $1 AND kind = $2 AND id = $3 AND NOT refold), '{}'))
 ORDER BY e.id
