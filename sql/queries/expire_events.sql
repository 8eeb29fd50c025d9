-- $1 milliseconds: deliveries older than that go, a batch at a time, with their
-- bodies; how many. What is not folded yet stays.
WITH gone AS (
	DELETE FROM event WHERE ctid = ANY (ARRAY(
		SELECT e.ctid FROM event e
		 WHERE e.received_at < now() - $1::bigint * interval '1 millisecond'
		   AND NOT EXISTS (SELECT FROM job j
			WHERE (j.workspace, j.kind, j.resource_id)
			    = (e.workspace, e.kind, e.resource_id))
		 ORDER BY e.received_at LIMIT 1000 FOR UPDATE OF e SKIP LOCKED))
	RETURNING id, received_at
), bodies AS (
	DELETE FROM event_body b USING gone g
	 WHERE b.event_id = g.id AND b.received_at = g.received_at
)
SELECT count(*) AS gone FROM gone
