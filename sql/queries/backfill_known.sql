-- $1 workspace, $2 kind, $3 ids: how many of them have a page
SELECT count(*) AS known FROM page
 WHERE workspace = $1 AND kind = $2 AND resource_id = ANY ($3::text[])
   AND state <> 'intent'
