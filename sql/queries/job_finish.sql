-- $1 job, $2 run id, $3 generation that was worked on: done, again or lost
SELECT job_finish($1, $2, $3) AS result
