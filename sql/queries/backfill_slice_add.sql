-- $1 backfill, $2 list, $3 number, $4 party, $5 way, $6 actor, $7 since,
-- $8 until
INSERT INTO backfill_slice (backfill_id, list, number, party, way, actor,
	since, until)
VALUES ($1::bigint, $2, $3, $4, $5, $6, $7::timestamptz, $8::timestamptz)
ON CONFLICT (backfill_id, list, number, party, way, actor, since) DO NOTHING
