-- $1 workspace, $2 so many: are there as many jobs behind the live ones
-- already? No more is listed then: what is listed is to be written before its
-- links expire.
SELECT count(*) >= $2::bigint AS "full"
  FROM (SELECT FROM job
	 WHERE workspace = $1 AND NOT dead AND priority > 0
	   AND kind <> 'backfill'
	 LIMIT $2::bigint) j
