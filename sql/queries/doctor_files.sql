-- $1 workspace: recordings, voicemails and pictures that were refused in the last
-- week, and jobs that have failed for one of them more than once
SELECT r.refused, r.reason, j.waiting, j.error
  FROM (SELECT count(*) AS refused,
	       (array_agg(reason ORDER BY stored_at DESC))[1] AS reason
	  FROM media
	 WHERE workspace = $1 AND state = 'refused'
	   AND stored_at > now() - interval '7 days') r,
       (SELECT count(*) AS waiting,
	       (array_agg(last_error ORDER BY run_at DESC))[1] AS error
	  FROM job
	 WHERE workspace = $1 AND NOT dead AND attempts > 1
	   AND last_error ~ '^(recordings|voicemail|media)') j
