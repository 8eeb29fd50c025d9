-- $1 slice; position: where to go on; no row: nothing to do any more
SELECT s.backfill_id, s.list, s.number, s.party, s.way, s.actor,
       (extract(epoch FROM s.since) * 1000000)::bigint AS since,
       (extract(epoch FROM s.until) * 1000000)::bigint AS until,
       (extract(epoch FROM coalesce(s.position, s.until)) * 1000000)::bigint
	AS position,
       (extract(epoch FROM b.since) * 1000000)::bigint AS whole_since,
       (extract(epoch FROM b.until) * 1000000)::bigint AS whole_until,
       b.surface = 'v1' AS v1, b.number AS only_number, array_to_json(b.contact) AS only_contact
  FROM backfill_slice s JOIN backfill b ON b.id = s.backfill_id
 WHERE s.id = $1::bigint AND s.progress = 'queued' AND b.cancelled_at IS NULL
