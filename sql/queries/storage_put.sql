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
)
SELECT coalesce(sum(objects), 0)::bigint AS objects,
       pg_size_pretty(coalesce(sum(bytes), 0)) AS size
  FROM now
