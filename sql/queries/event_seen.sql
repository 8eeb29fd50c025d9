-- $1 workspace, $2 delivery key: the delivery, once it is stored.
SELECT id, type, received_at
  FROM event
 WHERE workspace = $1 AND delivery_key = $2
