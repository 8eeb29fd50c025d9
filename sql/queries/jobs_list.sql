-- $1 workspace, $2 only dead ones, $3 kind or null, $4 a part of the last error
-- or null, $5 ids, none: all, $6 at most. key: the job as it is now, for
-- jobs_retry and jobs_discard.
SELECT kind, resource_id, state, attempts,
       CASE WHEN state <> 'dead' THEN date_trunc('second', run_at)
	END AS run_at,
       CASE WHEN state = 'dead' THEN date_trunc('second', run_at)
	END AS dead_at, last_error,
       id || '/' || generation AS key
  FROM v_jobs
 WHERE workspace = $1 AND (state = 'dead' OR NOT $2::boolean)
   AND ($3::text IS NULL OR kind = $3)
   AND ($4::text IS NULL OR strpos(lower(last_error), lower($4)) > 0)
   AND ($5::text[] = '{}' OR resource_id = ANY ($5))
 ORDER BY v_jobs.run_at, id LIMIT $6::int
