-- $1 milliseconds: ids whose name OpenPhone did not know, and that nobody has
-- asked for again since; how many
WITH gone AS (
	DELETE FROM directory WHERE name IS NULL
	   AND fetched_at < now() - $1::bigint * interval '1 millisecond'
	RETURNING 1
)
SELECT count(*) AS gone FROM gone
