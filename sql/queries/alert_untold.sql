-- $1 workspace, $2 why no message can be delivered, $3 milliseconds that the
-- other side named: tried again after a minute, then two, four, at most an hour;
-- but what is new is tried at once. first: this is news
WITH before AS (
	SELECT coalesce(max(tries), 0) AS tries FROM alert WHERE workspace = $1
), waits AS (
	UPDATE alert
	   SET tries = before.tries + 1, failure = $2,
	       next_at = now() + greatest($3::bigint * interval '1 millisecond',
			least(2 ^ least(before.tries, 10), 60) * interval '1 minute')
	  FROM before WHERE workspace = $1
)
SELECT tries = 0 AS first FROM before
