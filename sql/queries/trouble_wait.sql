-- $1 workspace, $2 service, $3 part, $4 job: 0 = go, -1 = go and see whether it
-- is over, else milliseconds to wait
SELECT trouble_wait($1, $2, $3, $4) AS wait
