-- $1 backfill: no row: it was cancelled. Who cancels it waits until what is being
-- stored now is, and whose row this is comes first in both: neither waits for
-- the other's jobs.
SELECT FROM backfill WHERE id = $1::bigint AND cancelled_at IS NULL FOR SHARE
