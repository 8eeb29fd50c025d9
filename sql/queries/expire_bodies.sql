-- $1 milliseconds: bodies older than that that are in no week's partition go, a
-- batch at a time; how many. What is not folded yet stays.
WITH gone AS (
	DELETE FROM event_body_rest WHERE ctid = ANY (ARRAY(
		SELECT b.ctid FROM event_body_rest b
		 WHERE b.received_at < now() - $1::bigint * interval '1 millisecond'
		   AND NOT EXISTS (SELECT FROM event e JOIN job j
			ON (j.workspace, j.kind, j.resource_id)
			 = (e.workspace, e.kind, e.resource_id)
			WHERE e.id = b.event_id)
		 LIMIT 1000 FOR UPDATE OF b SKIP LOCKED))
	RETURNING 1
)
SELECT count(*) AS gone FROM gone
