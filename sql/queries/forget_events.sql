-- $1 forgetting, $2 workspace, $3 numbers and ids of contacts as a JSON array,
-- $4 event where the batch before ended: deliveries that name one of them as
-- a value, and of which nothing is folded yet, or ever will be, become items;
-- all of the resource, where they are of one. last: where the batch ends, null:
-- no more.
WITH who AS (
	SELECT convert_to('"' || jsonb_array_elements_text($3::jsonb) || '"',
		'UTF8') AS who
), batch AS MATERIALIZED (
	SELECT id, received_at, kind, resource_id FROM event
	 WHERE workspace = $2 AND id > $4::bigint ORDER BY id LIMIT 2000
), hit AS (
	SELECT e.*, e.resource_id IS NOT NULL
		AND e.kind IN ('call', 'message', 'contact') AS whole
	  FROM batch e CROSS JOIN LATERAL (SELECT body FROM event_body
		WHERE (event_id, received_at) = (e.id, e.received_at)
		OFFSET 0) b -- one by one, never all weeks' bodies
	 WHERE NOT EXISTS (SELECT FROM resource r
		WHERE (r.workspace, r.kind, r.id) = ($2, e.kind, e.resource_id)
		  AND e.id = ANY (r.events))
	   AND EXISTS (SELECT FROM who WHERE position(who IN b.body) > 0)
), added AS (
	INSERT INTO forgetting_item (forgetting, kind, resource_id, way)
	SELECT DISTINCT $1::bigint, CASE WHEN whole THEN kind ELSE 'event' END,
	       CASE WHEN whole THEN resource_id ELSE id::text END, 'erase'
	  FROM hit
	ON CONFLICT DO NOTHING
)
SELECT max(id) AS last FROM batch
