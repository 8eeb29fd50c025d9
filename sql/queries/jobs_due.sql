-- $1 workspace, $2 kind, $3 ids, $4 priority: these become due. Sorted as
-- event_store() sorts them: two transactions never wait for each other.
SELECT job_due($1, $2, id, $4::int)
  FROM (SELECT DISTINCT unnest($3::text[]) AS id ORDER BY 1) given
