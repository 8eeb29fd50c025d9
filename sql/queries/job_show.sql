-- $1 workspace, $2 id of a call, message, contact or slice of a backfill: its
-- job, if it is unfinished, and else whether the last one was discarded. what:
-- the list that a slice is.
SELECT j.*, CASE WHEN j.kind = 'backfill' THEN
	(SELECT format('%s of backfill %s, %s to %s', list, backfill_id,
		since::date, until::date)
	   FROM backfill_slice s WHERE s.id::text = j.resource_id) END AS what
  FROM (
SELECT kind, resource_id, state, attempts,
       CASE WHEN state = 'waiting' THEN run_at END AS run_at, last_error
  FROM v_jobs
 WHERE workspace = $1 AND resource_id = $2
UNION ALL
(SELECT d.kind, d.resource_id, 'discarded', d.attempts, NULL, d.last_error
  FROM job_done d
  LEFT JOIN page p ON (p.workspace, p.kind, p.resource_id)
                    = (d.workspace, d.kind, d.resource_id)
 WHERE d.workspace = $1 AND d.resource_id = $2 AND d.outcome = 'discarded'
   AND (p.written_at IS NULL OR p.written_at < d.finished_at)
   AND NOT EXISTS (SELECT FROM job j
	WHERE j.workspace = $1 AND j.resource_id = $2)
 ORDER BY d.finished_at DESC LIMIT 1)) j
