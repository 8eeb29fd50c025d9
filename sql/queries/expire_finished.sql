-- $1 milliseconds: finished jobs older than that go, a batch at a time
DELETE FROM job_done WHERE ctid = ANY (ARRAY(
	SELECT ctid FROM job_done
	 WHERE finished_at < now() - $1::bigint * interval '1 millisecond'
	 LIMIT 1000 FOR UPDATE SKIP LOCKED))
