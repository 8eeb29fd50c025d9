-- $1 workspace, $2 milliseconds, 0: not, $3 time zone, $4 days of the week (1 is
-- Monday), $5 and $6 minutes of such a day, from and until: look whether so much
-- time within those hours has passed without a delivery. A workspace that never
-- had one is being set up.
SELECT alert_look($1, 'silence', '', (
	SELECT jsonb_build_array(jsonb_build_object('part', '', 'since', since,
		'reason', format('no delivery since %s, for %s min of business hours',
			to_char(since AT TIME ZONE $3::text, 'YYYY-MM-DD HH24:MI'),
			floor(extract(epoch FROM sum(passed)) / 60))))
	  FROM (SELECT received_at AS since FROM event WHERE workspace = $1
		 ORDER BY received_at DESC LIMIT 1) last
	 CROSS JOIN LATERAL (
		SELECT greatest(interval '0',
			least(now(), (day + $6::int * interval '1 minute')
				AT TIME ZONE $3::text)
			- greatest(since, (day + $5::int * interval '1 minute')
				AT TIME ZONE $3::text)) AS passed
		  FROM generate_series(
			date_trunc('day', greatest(since, now() - interval '60 days')
				AT TIME ZONE $3::text),
			now() AT TIME ZONE $3::text, interval '1 day') day
		 WHERE extract(isodow FROM day) = ANY ($4::int[])) days
	 WHERE $2::bigint > 0
	 GROUP BY since
	HAVING sum(passed) >= $2::bigint * interval '1 millisecond'))
