-- $1 slice, $2 position or null, $3 found, $4 due: so many more; $5
-- progress, $6 reason, $7 job, $8 run id. No row: it was cancelled meanwhile,
-- or that run holds its lease no more. FOR SHARE: who cancels waits for what is
-- being stored now.
WITH held AS (
	SELECT FROM job WHERE id = $7::bigint AND lease_by = $8::bigint FOR SHARE
)
UPDATE backfill_slice s
   SET position = $2::timestamptz, found = s.found + $3::bigint,
       due = s.due + $4::bigint, progress = $5, reason = $6,
       listed_at = CASE WHEN $5 IN ('listed', 'refused') THEN now() END
  FROM (SELECT b.id FROM backfill b JOIN backfill_slice t ON t.backfill_id = b.id
	 WHERE t.id = $1::bigint AND b.cancelled_at IS NULL
	   FOR SHARE OF b) b, held
 WHERE s.id = $1::bigint AND s.backfill_id = b.id
RETURNING s.id
