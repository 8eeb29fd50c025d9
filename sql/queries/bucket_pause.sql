-- $1 workspace, $2 service, $3 requests allowed, $4 in how many milliseconds,
-- $5 milliseconds to pause, $6 why, $7 for too many requests: the lower rate
-- that was learned by it, or null
SELECT bucket_pause($1, $2, $3, $4, $5, $6, $7) AS learned
