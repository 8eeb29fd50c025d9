-- $1 event, $2 its received_at, $3 from which byte on (the first is 1), $4 how
-- many: a piece of its body
SELECT substring(body FROM $3::int FOR $4::int) AS piece
  FROM event_body WHERE event_id = $1::bigint AND received_at = $2::timestamptz
