-- $1 milliseconds: failed attempts older than that go, at most $2 of them; how
-- many
WITH gone AS (
	DELETE FROM attempt WHERE ctid = ANY (ARRAY(
		SELECT ctid FROM attempt
		 WHERE at < now() - $1::bigint * interval '1 millisecond'
		 LIMIT $2::bigint FOR UPDATE SKIP LOCKED))
	RETURNING 1
)
SELECT count(*) AS gone FROM gone
