-- $1 workspace, $2 kind, $3 resource id
SELECT slot, state, reason, key, sha256, size, type, token, upload_id,
       upload_state,
       coalesce(extract(epoch FROM now() - upload_at), 0)::bigint AS upload_age
  FROM media WHERE workspace = $1 AND kind = $2 AND resource_id = $3
