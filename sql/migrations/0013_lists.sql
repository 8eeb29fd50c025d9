-- A list whose reading was given up gives its turn to the next one.
CREATE FUNCTION backfill_go_on() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	WITH next AS MATERIALIZED (
		SELECT s.id
		  FROM backfill_slice s JOIN backfill b ON b.id = s.backfill_id
		 WHERE s.backfill_id = (SELECT backfill_id FROM backfill_slice
			WHERE id = NEW.resource_id::bigint)
		   AND s.progress = 'waiting' AND b.cancelled_at IS NULL
		 ORDER BY s.id LIMIT 1
		   FOR UPDATE OF s SKIP LOCKED
	), queued AS (
		UPDATE backfill_slice SET progress = 'queued'
		  FROM next WHERE backfill_slice.id = next.id
	)
	INSERT INTO job (workspace, kind, resource_id, priority)
	SELECT NEW.workspace, NEW.kind, id::text, NEW.priority FROM next
	ON CONFLICT DO NOTHING;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION backfill_go_on IS 'the next list of a backfill becomes due, for the reading of one was given up';

CREATE TRIGGER backfill_go_on AFTER UPDATE OF dead ON job FOR EACH ROW
	WHEN (NEW.dead AND NOT OLD.dead AND NEW.kind = 'backfill')
	EXECUTE FUNCTION backfill_go_on();
COMMENT ON TRIGGER backfill_go_on ON job IS 'two dead lists would keep all others waiting';
