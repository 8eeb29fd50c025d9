-- $1 workspace, $2 id or null: all, the newest first. share: per cent listed.
-- seconds: until it is done, as it went so far; null: nobody knows.
-- total: how many there may be in all. failed: lists that were given up.
SELECT id, state, since, until, number, array_to_string(contact, ', ') AS contact,
       surface, calls, messages, due, waiting, dead, groups, refused,
       (SELECT count(*) FROM backfill_slice s
	  JOIN job ON job.kind = 'backfill' AND job.resource_id = s.id::text
	 WHERE s.backfill_id = v_backfills.id AND job.dead) AS failed,
       reason,
       round(share * 100)::int AS share, created_at,
       due - waiting AS written,
       CASE WHEN share > 0 THEN round((calls + messages) / share) END::bigint AS total,
       CASE WHEN state IN ('listing', 'writing') AND share > 0 AND due > waiting
	THEN (extract(epoch FROM now() - created_at)
		* (due / share - (due - waiting)) / (due - waiting))::bigint
       END AS seconds
  FROM v_backfills
 WHERE workspace = $1 AND ($2::bigint IS NULL OR id = $2::bigint)
 ORDER BY v_backfills.id DESC
