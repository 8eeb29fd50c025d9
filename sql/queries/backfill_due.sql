-- $1 workspace, $2 kind, $3 ids, $4 those of them that are new or changed,
-- $5 those that this backfill had not listed before, $6 priority: those of $4
-- become due, and those without a page; due: how many of $5 are among them. What
-- was left out, for it was forgotten or is of a number without pages, has no row.
-- Sorted as event_store() sorts them: two transactions never wait for each
-- other.
WITH due AS MATERIALIZED (
	SELECT id FROM unnest($3::text[]) AS given (id)
	 WHERE id = ANY ($4::text[])
	    OR (NOT EXISTS (SELECT FROM page
		WHERE workspace = $1 AND kind = $2 AND resource_id = given.id
		  AND state <> 'intent')
	AND EXISTS (SELECT FROM resource r
		WHERE (r.workspace, r.kind, r.id) = ($1, $2, given.id)))
	 ORDER BY id
), made AS MATERIALIZED (
	SELECT id, job_due($1, $2, id, $6::int) FROM due
)
SELECT count(*) FILTER (WHERE id = ANY ($5::text[])) AS due FROM made
