-- $1 workspace, $2 kind, $3 id, $4 facts, or null when json_ahead has them,
-- $5 times, $6 outcome, $7 ids of newly folded events, $8 checks made, $9 seconds until the next
-- check or null, $10 job, $11 run id: no row if that holds its lease no more,
-- $12 these are all of its events, folded again, $13 it gets no page. Nobody
-- waits for the disk: what says that the job is done does, and before that the
-- intent of a page.
WITH held AS (
	SELECT FROM job WHERE id = $10::bigint AND lease_by = $11::bigint FOR SHARE
)
INSERT INTO resource (workspace, kind, id, facts, times, outcome, events,
	checks, recheck_at, ignored)
SELECT $1, $2, $3, coalesce($4, current_setting('ons.json'))::jsonb, $5::jsonb,
       $6, $7::bigint[], $8::int,
       now() + $9::int * interval '1 second', $13::boolean
  FROM held, set_config('synchronous_commit', 'off', true)
ON CONFLICT (workspace, kind, id) DO UPDATE
   SET facts = excluded.facts, times = excluded.times,
       outcome = excluded.outcome,
       events = CASE WHEN $12::boolean THEN excluded.events
                     ELSE resource.events || excluded.events END,
       refold = resource.refold AND NOT $12::boolean,
       checks = excluded.checks, recheck_at = excluded.recheck_at,
       ignored = excluded.ignored, changed_at = now()
RETURNING true
