-- Storing deliveries costs a fraction of what it did: the statement is planned
-- once a session rather than for each batch (plpgsql keeps plans, functions in
-- SQL do not). One plan for all sizes of batch: it joins by hash.
CREATE OR REPLACE FUNCTION event_store(p_workspace text[], p_delivery_key text[],
	p_event_id text[], p_type text[], p_generation text[], p_kind text[],
	p_resource_id text[], p_occurred_at text[], p_note text[], p_headers text[],
	p_body bytea[], p_due text[])
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
	n bigint;
BEGIN
	WITH given AS (
		SELECT DISTINCT ON (workspace, delivery_key) *
		  FROM unnest(p_workspace, p_delivery_key, p_event_id, p_type,
			p_generation, p_kind, p_resource_id, p_occurred_at, p_note,
			p_headers, p_body, p_due)
		    AS g (workspace, delivery_key, event_id, type, generation, kind,
			resource_id, occurred_at, note, headers, body, due)
		 ORDER BY workspace, delivery_key
	), stored AS (
		INSERT INTO event (workspace, delivery_key, event_id, type,
			generation, kind, resource_id, occurred_at, note)
		SELECT workspace, delivery_key, event_id, type,
			generation::smallint, kind, resource_id,
			occurred_at::timestamptz, note
		  FROM given
		 ORDER BY workspace, delivery_key
		ON CONFLICT (workspace, delivery_key) DO NOTHING
		RETURNING id, workspace, delivery_key, kind, resource_id, received_at
	), bodies AS (
		INSERT INTO event_body (event_id, received_at, headers, body)
		SELECT s.id, s.received_at, g.headers::jsonb, g.body
		  FROM stored s JOIN given g USING (workspace, delivery_key)
	), due AS (
		INSERT INTO job (workspace, kind, resource_id)
		SELECT DISTINCT s.workspace, s.kind, s.resource_id
		  FROM stored s JOIN given g USING (workspace, delivery_key)
		 WHERE g.due IS NOT NULL
		 ORDER BY 1, 2, 3
		ON CONFLICT (workspace, kind, resource_id) DO UPDATE
		   SET generation = job.generation + 1,
		       priority = least(job.priority, 0),
		       run_at = CASE WHEN job.dead THEN now()
		                     ELSE least(job.run_at, now()) END,
		       attempts = CASE WHEN job.dead THEN 0 ELSE job.attempts END,
		       dead = false
	)
	SELECT count(*) INTO n FROM stored;
	RETURN n;
END
$$;

-- The same for the triggers that nothing forgotten gets past: a WHEN is read
-- and prepared anew for each statement.
CREATE FUNCTION leave_out_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF EXISTS (SELECT FROM forgotten)
	   AND (is_forgotten(NEW.workspace, NEW.kind, NEW.resource_id, true)
	     OR is_forgotten(NEW.workspace, 'delivery', NEW.delivery_key)) THEN
		RETURN NULL;
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION leave_out_event IS 'the delivery is not stored if it is about what was forgotten';
DROP TRIGGER forgotten ON event;
CREATE TRIGGER forgotten BEFORE INSERT ON event FOR EACH ROW
	EXECUTE FUNCTION leave_out_event();

CREATE FUNCTION leave_out_job() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF EXISTS (SELECT FROM forgotten)
	   AND is_forgotten(NEW.workspace, NEW.kind, NEW.resource_id) THEN
		RETURN NULL;
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION leave_out_job IS 'what was forgotten does not become due';
DROP TRIGGER forgotten ON job;
CREATE TRIGGER forgotten BEFORE INSERT ON job FOR EACH ROW
	EXECUTE FUNCTION leave_out_job();
