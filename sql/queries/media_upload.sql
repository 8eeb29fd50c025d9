-- $1 workspace, $2 kind, $3 resource id, $4 slot, $5 id of the upload,
-- $6 its state
UPDATE media
   SET upload_at = CASE WHEN upload_id IS NOT DISTINCT FROM $5 THEN upload_at
                        ELSE now() END,
       upload_id = $5, upload_state = $6
 WHERE workspace = $1 AND kind = $2 AND resource_id = $3 AND slot = $4
