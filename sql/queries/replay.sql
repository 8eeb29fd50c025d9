-- $1 workspace, $2 ids, or none: all, $3 kind or null, $4 created not before
-- and $5 before, or null, $6 do it, rather than count, $7 priority, $8 and $9
-- kind and id where the batch before ended. Their state is to be folded again,
-- and they become due; files of theirs that were refused are asked for again. By
-- kind how many they are; last_kind, last_id: where
-- the batch ends, null: no more.
WITH known AS (
	SELECT kind, id,
	       coalesce((facts ->> 'createdAt')::timestamptz, changed_at) AS at
	  FROM resource
	 WHERE workspace = $1
	   AND ($2::text[] = '{}' OR id = ANY ($2::text[]))
	   AND ($3::text IS NULL OR kind = $3)
	   AND (kind, id) > ($8, $9)
	 ORDER BY kind, id LIMIT 2000
), chosen AS MATERIALIZED (
	SELECT kind, id FROM known
	 WHERE ($4::text IS NULL OR at >= $4::timestamptz)
	   AND ($5::text IS NULL OR at < $5::timestamptz)
), marked AS (
	UPDATE resource r SET refold = true
	  FROM chosen c
	 WHERE $6::boolean AND r.workspace = $1
	   AND (r.kind, r.id) = (c.kind, c.id)
), asked_again AS (
	DELETE FROM media m USING chosen c
	 WHERE $6::boolean AND m.workspace = $1
	   AND (m.kind, m.resource_id) = (c.kind, c.id) AND m.state = 'refused'
), due AS MATERIALIZED (
	SELECT job_due($1, kind, id, $7::int) FROM chosen
	 WHERE $6::boolean ORDER BY kind, id
)
SELECT (SELECT count(*) FROM due) AS due,
       (SELECT count(*) FROM chosen WHERE kind = 'call') AS calls,
       (SELECT count(*) FROM chosen WHERE kind = 'message') AS messages,
       (SELECT count(*) FROM chosen WHERE kind = 'contact') AS contacts,
       last.kind AS last_kind, last.id AS last_id
  FROM (SELECT) one LEFT JOIN LATERAL (SELECT kind, id FROM known
	ORDER BY kind DESC, id DESC LIMIT 1) last ON true
