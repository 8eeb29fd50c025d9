-- $1 backfill, $2 how many of its slices at a time, $3 priority: the next ones
-- become jobs. What was given up is nobody's turn (see backfill_go_on()).
WITH next AS MATERIALIZED (
	SELECT s.id, b.workspace
	  FROM backfill_slice s JOIN backfill b ON b.id = s.backfill_id
	 WHERE s.backfill_id = $1::bigint AND s.progress = 'waiting'
	   AND b.cancelled_at IS NULL
	 ORDER BY s.id
	 LIMIT greatest(0, $2::bigint - (SELECT count(*) FROM backfill_slice q
		WHERE q.backfill_id = $1::bigint AND q.progress = 'queued'
		  AND NOT EXISTS (SELECT FROM job
			WHERE job.kind = 'backfill' AND job.dead
			  AND job.resource_id = q.id::text)))
	   FOR UPDATE OF s SKIP LOCKED
), queued AS (
	UPDATE backfill_slice SET progress = 'queued'
	  FROM next WHERE backfill_slice.id = next.id
)
SELECT job_due(workspace, 'backfill', id::text, $3::int) FROM next
