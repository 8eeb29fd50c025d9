-- $1 keys of jobs_list: they are due now, as if for the first time. One that is
-- being worked on is worked on once more afterwards.
WITH given AS (
	SELECT split_part(key, '/', 1)::bigint AS id FROM unnest($1::text[]) key
), due AS (
	UPDATE job
	   SET dead = false, run_at = now(),
	       attempts = CASE WHEN lease_by IS NULL THEN 0 ELSE attempts END,
	       generation = generation + 1
	  FROM given WHERE job.id = given.id
	RETURNING job.id
)
SELECT count(*) AS jobs FROM due
