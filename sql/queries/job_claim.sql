-- $1 run id of the claimer, $2 lease in seconds. MATERIALIZED: an inlined
-- subquery could be run again and lock more rows than the limit.
WITH next AS MATERIALIZED (
	SELECT id FROM job
	 WHERE NOT dead AND run_at <= now()
	   AND (lease_until IS NULL OR lease_until < now())
	   AND NOT EXISTS (SELECT FROM bucket b
	                    WHERE b.workspace = job.workspace
	                      AND b.paused_until > now())
	 ORDER BY priority, run_at, id
	 LIMIT 1
	 FOR UPDATE SKIP LOCKED
)
UPDATE job
   SET attempts = attempts + 1, lease_by = $1::bigint,
       lease_until = now() + $2::int * interval '1 second'
  FROM next
 WHERE job.id = next.id
RETURNING job.id, job.workspace, job.kind, job.resource_id, job.generation,
          job.attempts
