-- $1 workspace, $2 kind, $3 resource id, $4 slot, $5 state, $6 reason, $7 key,
-- $8 sha256, $9 size, $10 type, $11 token. A link that exists stays valid,
-- one that was revoked stays so, and what is stored never becomes less. Nobody
-- waits for the disk: a page with the link does, and without this row the file
-- is stored again.
INSERT INTO media (workspace, kind, resource_id, slot, state, reason, key,
	sha256, size, type, token)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9::bigint, $10, $11
  FROM set_config('synchronous_commit', 'off', true)
ON CONFLICT (workspace, kind, resource_id, slot) DO UPDATE
   SET state = excluded.state, reason = excluded.reason, key = excluded.key,
       sha256 = excluded.sha256, size = excluded.size, type = excluded.type,
       token = CASE WHEN media.state = 'stored' THEN media.token
                    ELSE excluded.token END, stored_at = now()
 WHERE media.state <> 'stored' OR excluded.state = 'stored'
RETURNING token
