-- $1 workspace, $2 since, $3 until, $4 number of ours or "", $5 contact's
-- numbers, $6 surface
INSERT INTO backfill (workspace, since, until, number, contact, surface)
VALUES ($1, $2::timestamptz, $3::timestamptz, $4, $5, $6)
RETURNING id
