-- $1 workspace, $2 backfill: it ends. No row: there is none that goes on.
UPDATE backfill SET cancelled_at = now()
 WHERE workspace = $1 AND id = $2::bigint AND cancelled_at IS NULL
   AND id IN (SELECT id FROM v_backfills WHERE state IN ('listing', 'writing'))
RETURNING id
