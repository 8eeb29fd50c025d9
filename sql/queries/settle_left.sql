-- $1 workspace, $2 kind, $3 id, $4 when it was over by OpenPhone's clock, or
-- null, $5 milliseconds to let pass: how many are left before its page is to
-- be made, counted from the first delivery (without one from the end alone);
-- no row: there is a page (or an intent) already
SELECT greatest(0, least($5::bigint, ceil(extract(epoch FROM
	coalesce(greatest(min(received_at), $4::timestamptz), '1970-01-01')
	- now()) * 1000 + $5::bigint)))::bigint AS ms
  FROM event
 WHERE workspace = $1 AND kind = $2 AND resource_id = $3
HAVING NOT EXISTS (SELECT FROM page
	WHERE workspace = $1 AND kind = $2 AND resource_id = $3)
