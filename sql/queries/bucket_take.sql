-- $1 workspace, $2 service, $3 requests allowed, $4 in how many milliseconds,
-- $5 background, $6 kind and $7 id of the job, or null. trouble: > 0: not before
-- so many milliseconds, for a person must act; -1: go, and see whether that is
-- done. wait: 0 = go, else milliseconds to wait. Nobody waits for the disk: a
-- server that crashes forgets the requests of half a second.
SELECT t.trouble, CASE WHEN t.trouble > 0 THEN 0
	ELSE bucket_take($1, $2, $3, $4, $5) END AS wait
  FROM set_config('synchronous_commit', 'off', true),
       trouble_wait($1, $2, $6, $7) AS t (trouble)
