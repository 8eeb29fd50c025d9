-- $1 job, $2 run id, $3 milliseconds until the next attempt, $4 error,
-- $5 its kind, $6 give it up, $7 the attempt counts, $8 generation that was
-- worked on. A job is not given up when an event came in meanwhile: that gives
-- it another chance at once. So does the end of a trouble since the job was
-- claimed, as trouble_ended() could not see that it was about to wait: the lock
-- makes one of the two come first. Of waits only the first in a row is kept as
-- an attempt.
WITH held AS MATERIALIZED (
	SELECT * FROM job
	 WHERE id = $1::bigint AND lease_by = $2::bigint
	   FOR UPDATE
), mended AS MATERIALIZED (
	SELECT trouble.ended_at
	  FROM held JOIN trouble USING (workspace)
	 WHERE $5 = 'operator'
	 ORDER BY service, part -- as trouble_wait() locks them
	   FOR SHARE OF trouble
), failed AS (
	UPDATE job
	   SET lease_by = NULL, lease_until = NULL, last_error = left($4, 500),
	       error_kind = $5, dead = $6::boolean AND held.generation = $8::int,
	       attempts = CASE
		WHEN $6::boolean AND held.generation <> $8::int THEN 0
		WHEN $7::boolean THEN held.attempts
		ELSE held.attempts - 1 END,
	       run_at = now() + CASE
		WHEN $6::boolean OR EXISTS (SELECT FROM mended
			WHERE ended_at > held.claimed_at) THEN interval '0'
		ELSE $3::bigint * interval '1 millisecond' END
	  FROM held
	 WHERE job.id = held.id
	RETURNING job.dead
), told AS (
	INSERT INTO attempt (workspace, kind, resource_id, attempt, took,
		error_kind, error, host, run)
	SELECT workspace, kind, resource_id, attempts, now() - claimed_at, $5,
	       left($4, 500),
	       (SELECT split_part(host, ' ', 1) FROM run WHERE run.id = $2::bigint),
	       $2::bigint
	  FROM held
	 WHERE $7::boolean OR error_kind IS DISTINCT FROM $5
)
SELECT dead FROM failed
