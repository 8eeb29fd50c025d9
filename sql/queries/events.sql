-- $1 workspace; null, or only those: $2 of this type, $3 of this kind, $4 with this
-- outcome, $5 stored from then on, $6 and before, $7 of this call, message or
-- contact, or with this id of its own; $8 at most, the newest of them, in their
-- order
SELECT * FROM (
	SELECT received_at, date_trunc('second', received_at) AS received, type,
	       kind, resource_id, outcome, note, delivery_id, event_id, occurred_at,
	       generation, id
	  FROM v_events
	 WHERE workspace = $1
	   AND ($2::text IS NULL OR type = $2)
	   AND ($3::text IS NULL OR kind = $3)
	   AND ($4::text IS NULL OR outcome = $4)
	   AND ($5::timestamptz IS NULL OR received_at >= $5)
	   AND ($6::timestamptz IS NULL OR received_at < $6)
	   AND ($7::text IS NULL OR resource_id = $7 OR delivery_id = $7)
	 ORDER BY v_events.received_at DESC, id DESC LIMIT $8::int) newest
 ORDER BY received_at, id
