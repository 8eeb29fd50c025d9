-- $1 workspace, $2 kind, $3 resource id: the page refers to the uploads now
UPDATE media SET upload_state = 'attached'
 WHERE workspace = $1 AND kind = $2 AND resource_id = $3
   AND upload_state = 'uploaded'
