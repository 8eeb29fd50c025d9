-- $1 run id; $2 and $3 the jobs that are done and their generations
SELECT job_finish($1, $2, $3)
