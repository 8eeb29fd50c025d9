-- $1 milliseconds: finished jobs older than that go, at most $2 of them; how
-- many
WITH gone AS (
	DELETE FROM job_done WHERE ctid = ANY (ARRAY(
		SELECT ctid FROM job_done
		 WHERE finished_at < now() - $1::bigint * interval '1 millisecond'
		 LIMIT $2::bigint FOR UPDATE SKIP LOCKED))
	RETURNING 1
)
SELECT count(*) AS gone FROM gone
