-- $1 milliseconds: deliveries older than that go, a batch of each workspace at a
-- time, with their bodies; how many. What is not folded yet stays. (Workspaces
-- are looked up one after the other: DISTINCT would read all deliveries.)
WITH RECURSIVE known AS (
	SELECT min(workspace) AS workspace FROM event
	UNION ALL
	SELECT (SELECT min(workspace) FROM event
		 WHERE workspace > known.workspace)
	  FROM known WHERE workspace IS NOT NULL
), gone AS (
	DELETE FROM event WHERE ctid = ANY (ARRAY(
		SELECT old.ctid FROM known CROSS JOIN LATERAL (
			SELECT e.ctid FROM event e
			 WHERE e.workspace = known.workspace AND e.received_at
				< now() - $1::bigint * interval '1 millisecond'
			   AND NOT EXISTS (SELECT FROM job j
				WHERE (j.workspace, j.kind, j.resource_id)
				    = (e.workspace, e.kind, e.resource_id))
			 ORDER BY e.received_at LIMIT 1000
			   FOR UPDATE OF e SKIP LOCKED) old))
	RETURNING id, received_at
), bodies AS (
	DELETE FROM event_body b USING gone g
	 WHERE b.event_id = g.id AND b.received_at = g.received_at
)
SELECT count(*) AS gone FROM gone
