-- $1 run id of the claimer, $2 lease in seconds, $3 workspace. MATERIALIZED: an
-- inlined subquery could be run again and lock more rows than the limit. A lease
-- that has run out is one attempt of a worker that died; attempts start anew
-- together with the deaths among them. Whether pages cannot be written now is
-- found out once, not for each job; OpenPhone's pauses keep no page waiting.
WITH next AS MATERIALIZED (
	SELECT * FROM job
	 WHERE NOT dead AND workspace = $3 AND run_at <= now()
	   AND (lease_until IS NULL OR lease_until < now())
	   AND NOT EXISTS (SELECT FROM bucket
		WHERE workspace = $3 AND service = 'notion'
		  AND greatest(paused_until, full_until) > now())
	   AND NOT EXISTS (SELECT FROM trouble
		WHERE workspace = $3 AND service = 'notion' AND part = ''
		  AND ended_at IS NULL AND next_at > now())
	   AND kind <> ALL (ARRAY(SELECT part FROM trouble
		WHERE workspace = $3 AND service = 'notion'
		  AND ended_at IS NULL AND next_at > now()))
	   AND (priority <= 0 OR NOT EXISTS (SELECT FROM bucket
		WHERE workspace = $3 AND service = 'notion'
		  AND background_at > now() + interval '1 second'))
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
          job.attempts, job.deaths,
          job.priority
