-- $1 milliseconds: failed attempts older than that go, a batch at a time
DELETE FROM attempt WHERE ctid = ANY (ARRAY(
	SELECT ctid FROM attempt
	 WHERE at < now() - $1::bigint * interval '1 millisecond'
	 LIMIT 1000 FOR UPDATE SKIP LOCKED))
