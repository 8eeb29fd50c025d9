-- $1 workspace, $2 service, $3 milliseconds, $4 why, $5 a person must act.
-- A pause only grows.
INSERT INTO bucket (workspace, service, used, paused_until, reason,
	for_operator)
VALUES ($1, $2, array_fill(0, ARRAY[60]),
	now() + $3::bigint * interval '1 millisecond', $4, $5)
ON CONFLICT (workspace, service) DO UPDATE
   SET paused_until = greatest(bucket.paused_until, excluded.paused_until),
       reason = excluded.reason, for_operator = excluded.for_operator
