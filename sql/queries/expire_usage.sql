-- $1 milliseconds: counters of days before that go; how many
WITH requests AS (
	DELETE FROM usage
	 WHERE day < (now() - $1::bigint * interval '1 millisecond')::date
	RETURNING 1
), files AS (
	DELETE FROM storage_stat
	 WHERE day < (now() - $1::bigint * interval '1 millisecond')::date
	RETURNING 1
)
SELECT (SELECT count(*) FROM requests) + (SELECT count(*) FROM files) AS gone
