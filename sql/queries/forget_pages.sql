-- $1 workspace, $2 kind, $3 id: the pages that are known of it, by id or
-- address; intent_age_ms: since a creation was about to be sent of which
-- nobody knows whether it happened, null: there is none
SELECT page_id AS page, CASE state WHEN 'intent' THEN
	floor(extract(epoch FROM now() - intent_at) * 1000)::bigint
	END AS intent_age_ms
  FROM page WHERE (workspace, kind, resource_id) = ($1, $2, $3)
UNION ALL
SELECT d, NULL FROM page, jsonb_array_elements_text(doubles) AS d
 WHERE (workspace, kind, resource_id) = ($1, $2, $3)
UNION ALL
SELECT page_id, NULL FROM listing
 WHERE (workspace, kind, resource_id) = ($1, $2, $3)
