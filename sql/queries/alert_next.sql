-- $1 workspace, $2 milliseconds between reminders, 0: none: what people are to
-- be told next; no row: nothing. What grows is told of once an hour. Of a host
-- that has not looked for a day nothing is known any more.
SELECT what, host, part, reason, event,
       to_char(since AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS since
  FROM (SELECT *, CASE
		WHEN told_at IS NULL THEN 'begins'
		WHEN gone_at <= now() - interval '2 minutes'
		  OR seen_at <= now() - interval '1 day' THEN 'ends'
		WHEN gone_at IS NOT NULL THEN NULL
		WHEN amount > told_amount AND told_at <= now() - interval '1 hour'
		  OR $2::bigint > 0
		 AND told_at <= now() - greatest($2::bigint, 60000)
			* interval '1 millisecond'
		THEN 'lasts' END AS event
	  FROM alert WHERE workspace = $1 AND next_at <= now()) a
 WHERE event IS NOT NULL
 ORDER BY a.since, what, host, part LIMIT 1
