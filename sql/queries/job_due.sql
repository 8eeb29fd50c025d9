-- $1 workspace, $2 kind, $3 resource id, $4 priority
SELECT job_due($1, $2, $3, $4)
