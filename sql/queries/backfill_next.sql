-- $1 backfill, $2 how many of its slices at a time, $3 priority: the next ones
-- become jobs. What was given up is nobody's turn (see backfill_go_on()). Names
-- are wanted before pages are written: the contacts are listed alone.
WITH queued AS MATERIALIZED (
	SELECT q.list FROM backfill_slice q
	 WHERE q.backfill_id = $1::bigint AND q.progress = 'queued'
	   AND NOT EXISTS (SELECT FROM job
		WHERE job.kind = 'backfill' AND job.dead
		  AND job.resource_id = q.id::text)
), next AS MATERIALIZED (
	SELECT s.id, b.workspace
	  FROM backfill_slice s JOIN backfill b ON b.id = s.backfill_id
	 WHERE s.backfill_id = $1::bigint AND s.progress = 'waiting'
	   AND b.cancelled_at IS NULL
	   AND (s.list = 'contacts' OR NOT EXISTS (
		SELECT FROM backfill_slice c
		 WHERE c.backfill_id = $1::bigint AND c.list = 'contacts'
		   AND c.progress = 'waiting'))
	   AND NOT EXISTS (SELECT FROM queued WHERE list = 'contacts')
	 ORDER BY s.id
	 LIMIT greatest(0, $2::bigint - (SELECT count(*) FROM queued))
	   FOR UPDATE OF s SKIP LOCKED
), put AS (
	UPDATE backfill_slice SET progress = 'queued'
	  FROM next WHERE backfill_slice.id = next.id
)
SELECT job_due(workspace, 'backfill', id::text, $3::int) FROM next
