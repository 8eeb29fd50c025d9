-- $1 run id of the claimer, $2 lease in seconds. MATERIALIZED: an inlined
-- subquery could be run again and lock more rows than the limit. A lease that
-- has run out is one attempt of a worker that died; attempts start anew
-- together with the deaths among them.
WITH next AS MATERIALIZED (
	SELECT * FROM job
	 WHERE NOT dead AND run_at <= now()
	   AND (lease_until IS NULL OR lease_until < now())
	   AND NOT EXISTS (SELECT FROM bucket b
	                    WHERE b.workspace = job.workspace
	                      AND b.paused_until > now())
	 ORDER BY priority, run_at, id
	 LIMIT 1
	 FOR UPDATE SKIP LOCKED
), died AS (
	INSERT INTO attempt (workspace, kind, resource_id, attempt, took,
		error_kind, error, host, run)
	SELECT workspace, kind, resource_id, attempts, now() - claimed_at, 'died',
	       'the lease ran out: the worker or its host is gone',
	       (SELECT split_part(host, ' ', 1) FROM run WHERE run.id = lease_by),
	       lease_by
	  FROM next WHERE lease_by IS NOT NULL
)
UPDATE job
   SET attempts = job.attempts + 1, lease_by = $1::bigint,
       lease_until = now() + $2::int * interval '1 second',
       claimed_at = now(),
       deaths = CASE WHEN job.attempts = 0 THEN 0 ELSE job.deaths END
                + CASE WHEN next.lease_by IS NULL THEN 0 ELSE 1 END
  FROM next
 WHERE job.id = next.id
RETURNING job.id, job.workspace, job.kind, job.resource_id, job.generation,
          job.attempts, job.deaths
