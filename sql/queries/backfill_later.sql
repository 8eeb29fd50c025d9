-- $1 job, $2 run, $3 milliseconds: the slice that it reads goes on later. Its
-- generation grows, so that the end of this turn does not end the job.
UPDATE job SET generation = generation + 1,
       run_at = now() + $3::bigint * interval '1 millisecond'
 WHERE id = $1::bigint AND lease_by = $2::bigint
