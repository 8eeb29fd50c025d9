-- $1 workspace: what is stored now, kept as today's; all of it together
WITH now AS (
	INSERT INTO storage_stat (workspace, day, what, objects, bytes)
	SELECT $1, current_date, split_part(slot, '/', 1), count(*),
	       coalesce(sum(size), 0)
	  FROM media WHERE workspace = $1 AND state = 'stored'
	 GROUP BY 3
	ON CONFLICT (workspace, what, day) DO UPDATE
	   SET objects = excluded.objects, bytes = excluded.bytes
	RETURNING objects, bytes
), gone AS ( -- since the count before, today
	UPDATE storage_stat t SET objects = 0, bytes = 0
	 WHERE workspace = $1 AND day = current_date
	   AND NOT EXISTS (SELECT FROM media m
		WHERE m.workspace = $1 AND m.state = 'stored'
		  AND split_part(m.slot, '/', 1) = t.what)
)
SELECT coalesce(sum(objects), 0)::bigint AS objects,
       pg_size_pretty(coalesce(sum(bytes), 0)) AS size
  FROM now
