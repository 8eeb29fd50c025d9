-- $1 workspace, $2 service, $3 requests allowed, $4 in how many milliseconds:
-- 0 = go, else milliseconds to wait
SELECT bucket_take($1, $2, $3, $4) AS wait
