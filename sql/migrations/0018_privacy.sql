-- People who were forgotten (onsctl forget), and that nothing of them comes
-- back: what OpenPhone still has is delivered and listed again and again.

-- Hashes are made with this: the same in all of this database, another in each.
CREATE TABLE forgetting_salt (salt text NOT NULL);
INSERT INTO forgetting_salt VALUES (gen_random_uuid());
COMMENT ON TABLE forgetting_salt IS 'what the hashes in forgetting and forgotten are salted with: one row';
COMMENT ON COLUMN forgetting_salt.salt IS 'random; another one, and nothing that was forgotten is recognised any more';

CREATE TABLE forgetting (
	id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	workspace   text NOT NULL,
	person      bytea[] NOT NULL,
	redacted    boolean NOT NULL,
	begun_at    timestamptz NOT NULL DEFAULT now(),
	finished_at timestamptz,
	undone_at   timestamptz,
	os_user     text NOT NULL,
	db_user     text NOT NULL DEFAULT session_user,
	numbers     text[],
	contacts    text[],
	calls       bigint NOT NULL DEFAULT 0,
	messages    bigint NOT NULL DEFAULT 0,
	cards       bigint NOT NULL DEFAULT 0,
	kept        bigint NOT NULL DEFAULT 0,
	events      bigint NOT NULL DEFAULT 0,
	files       bigint NOT NULL DEFAULT 0,
	pages       bigint NOT NULL DEFAULT 0
);
COMMENT ON TABLE forgetting IS 'each onsctl forget --apply: when, by whom, and how much was erased; not whom it was about';
COMMENT ON COLUMN forgetting.id IS 'number of the forgetting';
COMMENT ON COLUMN forgetting.workspace IS 'whose it is; ''default'' unless there are several';
COMMENT ON COLUMN forgetting.person IS 'forgotten_digest() of each telephone number and contact id: whether it was this person can be tested; nothing else tells';
COMMENT ON COLUMN forgetting.redacted IS 'with --redact: that calls and messages took place is kept';
COMMENT ON COLUMN forgetting.begun_at IS 'when';
COMMENT ON COLUMN forgetting.finished_at IS 'null: it was interrupted; onsctl forget --apply goes on with it';
COMMENT ON COLUMN forgetting.undone_at IS 'when onsctl forget --undo let the person come back';
COMMENT ON COLUMN forgetting.os_user IS 'who ran onsctl';
COMMENT ON COLUMN forgetting.db_user IS 'as which role';
COMMENT ON COLUMN forgetting.numbers IS 'the telephone numbers, as long as it is not finished';
COMMENT ON COLUMN forgetting.contacts IS 'the contacts'' ids, as long as it is not finished';
COMMENT ON COLUMN forgetting.calls IS 'calls erased or redacted';
COMMENT ON COLUMN forgetting.messages IS 'messages erased or redacted';
COMMENT ON COLUMN forgetting.cards IS 'contacts erased';
COMMENT ON COLUMN forgetting.kept IS 'how many of the calls and messages are kept without the person';
COMMENT ON COLUMN forgetting.events IS 'deliveries erased';
COMMENT ON COLUMN forgetting.files IS 'files removed from the storage';
COMMENT ON COLUMN forgetting.pages IS 'pages put into Notion''s trash';

CREATE TABLE forgetting_item (
	forgetting  bigint NOT NULL REFERENCES forgetting,
	kind        text NOT NULL,
	resource_id text NOT NULL,
	way         text NOT NULL CHECK (way IN ('erase', 'redact', 'part')),
	PRIMARY KEY (forgetting, kind, resource_id)
);
COMMENT ON TABLE forgetting_item IS 'what is still to be erased; empty unless a forgetting is under way or was interrupted';
COMMENT ON COLUMN forgetting_item.forgetting IS 'forgetting.id';
COMMENT ON COLUMN forgetting_item.kind IS 'call, message or contact; event: a delivery that is about none of these';
COMMENT ON COLUMN forgetting_item.resource_id IS 'OpenPhone''s id; event.id';
COMMENT ON COLUMN forgetting_item.way IS 'erase; redact: that it took place is kept; part: others took part in it, what is theirs is kept';

CREATE TABLE forgotten (
	digest     bytea PRIMARY KEY,
	forgetting bigint NOT NULL REFERENCES forgetting,
	kept       boolean NOT NULL DEFAULT false,
	at         timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX forgotten_by_forgetting ON forgotten (forgetting);
COMMENT ON TABLE forgotten IS 'what was erased, so that deliveries and lists do not bring it back';
COMMENT ON COLUMN forgotten.digest IS 'forgotten_digest() of a call, message, contact, delivery (its key) or number (a person''s)';
COMMENT ON COLUMN forgotten.forgetting IS 'forgetting.id';
COMMENT ON COLUMN forgotten.kept IS 'what is left of it, without the person, is kept, and gets a page; nothing new goes into it';
COMMENT ON COLUMN forgotten.at IS 'since when; calls and messages with the person that are younger are new facts';

CREATE FUNCTION forgotten_digest(p_workspace text, p_kind text, p_id text)
RETURNS bytea LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN (SELECT sha256(convert_to(salt || '/' || p_workspace || '/'
		|| p_kind || '/' || p_id, 'UTF8')) FROM forgetting_salt);
END
$$;
COMMENT ON FUNCTION forgotten_digest IS 'a salted hash (SHA-256); null without an id';

-- volatile: a statement that began earlier sees it, too. It is asked for each
-- delivery: most installations have forgotten nobody, and pay next to nothing.
CREATE FUNCTION is_forgotten(p_workspace text, p_kind text, p_id text,
	p_kept boolean DEFAULT false)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	IF p_id IS NULL OR NOT EXISTS (SELECT FROM forgotten) THEN
		RETURN false;
	END IF;
	RETURN EXISTS (SELECT FROM forgotten
	        WHERE digest = forgotten_digest(p_workspace, p_kind, p_id)
	          AND (p_kept OR NOT kept));
END
$$;
COMMENT ON FUNCTION is_forgotten IS 'was it erased? With p_kept also: is only a part of it kept?';

CREATE FUNCTION leave_out() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION leave_out IS 'the row is not inserted: it is about what was forgotten';

CREATE FUNCTION leave_out_name() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	NEW.name := NULL;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION leave_out_name IS 'that it was asked for is noted, so that it is not asked for again each time';

-- Whichever program and way it comes by; so also those of before.
CREATE TRIGGER forgotten BEFORE INSERT ON event FOR EACH ROW
	WHEN (is_forgotten(NEW.workspace, NEW.kind, NEW.resource_id, true)
	   OR is_forgotten(NEW.workspace, 'delivery', NEW.delivery_key))
	EXECUTE FUNCTION leave_out();
CREATE TRIGGER forgotten BEFORE INSERT ON resource FOR EACH ROW
	WHEN (is_forgotten(NEW.workspace, NEW.kind, NEW.id))
	EXECUTE FUNCTION leave_out();
CREATE TRIGGER forgotten BEFORE INSERT ON job FOR EACH ROW
	WHEN (is_forgotten(NEW.workspace, NEW.kind, NEW.resource_id))
	EXECUTE FUNCTION leave_out();
CREATE TRIGGER forgotten BEFORE INSERT ON page FOR EACH ROW
	WHEN (is_forgotten(NEW.workspace, NEW.kind, NEW.resource_id))
	EXECUTE FUNCTION leave_out();
CREATE TRIGGER forgotten BEFORE INSERT ON media FOR EACH ROW
	WHEN (is_forgotten(NEW.workspace, NEW.kind, NEW.resource_id))
	EXECUTE FUNCTION leave_out();
CREATE TRIGGER forgotten BEFORE INSERT ON finding FOR EACH ROW
	WHEN (is_forgotten(NEW.workspace, NEW.kind, NEW.resource_id, true))
	EXECUTE FUNCTION leave_out();
CREATE TRIGGER forgotten BEFORE INSERT ON directory FOR EACH ROW
	WHEN (NEW.kind = 'contact'
	  AND is_forgotten(NEW.workspace, 'contact', NEW.id))
	EXECUTE FUNCTION leave_out_name();
CREATE TRIGGER forgotten BEFORE INSERT ON contact_number FOR EACH ROW
	WHEN (is_forgotten(NEW.workspace, 'contact', NEW.contact_id))
	EXECUTE FUNCTION leave_out();

ALTER TABLE resource ADD COLUMN redacted boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN resource.redacted IS 'a person was taken out of it (onsctl forget): it stays as it is';

-- The list is complete: from now on nothing of it comes in any more. Whoever
-- was storing deliveries meanwhile is waited for; a short lock, several times,
-- so that ons-webhook does not wait for what we wait for.
CREATE FUNCTION forget_seal(p_forgetting bigint) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT SET lock_timeout = '500ms' AS $$
DECLARE
	f forgetting;
BEGIN
	SELECT * INTO f FROM forgetting WHERE id = p_forgetting;
	INSERT INTO forgotten (digest, forgetting)
	SELECT forgotten_digest(f.workspace, kind, id), f.id
	  FROM (SELECT kind, resource_id AS id FROM forgetting_item
		 WHERE forgetting = f.id AND kind <> 'event'
		UNION SELECT 'number', unnest(f.numbers)) i
	ON CONFLICT (digest) DO UPDATE
	   SET forgetting = excluded.forgetting, kept = false, at = excluded.at;
	DELETE FROM job_done d USING forgetting_item i
	 WHERE i.forgetting = f.id AND (d.workspace, d.kind, d.resource_id)
	     = (f.workspace, i.kind, i.resource_id);
	FOR attempt IN 1..20 LOOP
		BEGIN
			LOCK TABLE event IN SHARE MODE;
			RETURN;
		EXCEPTION WHEN lock_not_available THEN
			IF attempt = 20 THEN
				RAISE;
			END IF;
		END;
	END LOOP;
END
$$;
COMMENT ON FUNCTION forget_seal IS 'what a forgetting lists is forgotten from now on';

-- Rows go last, when storage and Notion have nothing of it any more. p_facts:
-- what is kept of it.
CREATE FUNCTION forget_rows(p_forgetting bigint, p_kind text, p_id text,
	p_facts jsonb, p_outcome text, p_files bigint, p_pages bigint)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	ws text;
	i_way text;
	ids bigint[];
BEGIN
	DELETE FROM forgetting_item
	 WHERE (forgetting, kind, resource_id) = (p_forgetting, p_kind, p_id)
	RETURNING way INTO i_way;
	IF NOT FOUND THEN
		RETURN;
	END IF;
	SELECT workspace INTO ws FROM forgetting WHERE id = p_forgetting;
	IF p_kind = 'event' THEN
		ids := ARRAY[p_id::bigint];
	ELSE
		ids := ARRAY(SELECT id FROM event
		        WHERE (workspace, kind, resource_id) = (ws, p_kind, p_id));
	END IF;
	DELETE FROM event_body WHERE event_id = ANY (ids);
	WITH gone AS (
		DELETE FROM event WHERE id = ANY (ids) RETURNING delivery_key
	)
	INSERT INTO forgotten (digest, forgetting)
	SELECT forgotten_digest(ws, 'delivery', delivery_key), p_forgetting
	  FROM gone ON CONFLICT DO NOTHING;
	DELETE FROM finding
	 WHERE (workspace, kind, resource_id) = (ws, p_kind, p_id);
	DELETE FROM listing
	 WHERE (workspace, kind, resource_id) = (ws, p_kind, p_id);
	DELETE FROM upstream
	 WHERE (workspace, kind, resource_id) = (ws, p_kind, p_id);
	DELETE FROM attempt
	 WHERE (workspace, kind, resource_id) = (ws, p_kind, p_id);
	IF p_kind = 'contact' THEN
		DELETE FROM contact_number
		 WHERE (workspace, contact_id) = (ws, p_id);
		DELETE FROM directory
		 WHERE (workspace, kind, id) = (ws, 'contact', p_id);
	END IF;
	IF i_way <> 'part' OR p_kind = 'call' THEN
		DELETE FROM media
		 WHERE (workspace, kind, resource_id) = (ws, p_kind, p_id);
	END IF;
	DELETE FROM page
	 WHERE (workspace, kind, resource_id) = (ws, p_kind, p_id);
	IF i_way = 'erase' THEN
		DELETE FROM resource
		 WHERE (workspace, kind, id) = (ws, p_kind, p_id);
	ELSE
		UPDATE resource
		   SET facts = p_facts, outcome = p_outcome, events = '{}',
		       times = (SELECT coalesce(jsonb_object_agg(key, value), '{}')
			FROM jsonb_each(times) WHERE p_facts ? key),
		       recheck_at = NULL, refold = false, redacted = true,
		       changed_at = now()
		 WHERE (workspace, kind, id) = (ws, p_kind, p_id);
		IF FOUND THEN
			UPDATE forgotten SET kept = true
			 WHERE digest = (SELECT forgotten_digest(ws, p_kind, p_id));
			PERFORM job_due(ws, p_kind, p_id, 0);
		END IF;
	END IF;
	UPDATE forgetting
	   SET calls = calls + (p_kind = 'call')::int,
	       messages = messages + (p_kind = 'message')::int,
	       cards = cards + (p_kind = 'contact')::int,
	       kept = kept + (i_way <> 'erase')::int,
	       events = events + cardinality(ids),
	       files = files + p_files, pages = pages + p_pages
	 WHERE id = p_forgetting;
END
$$;
COMMENT ON FUNCTION forget_rows IS 'erase all rows of one item of a forgetting, or redact them';

-- What names the person beside calls, messages and contacts.
CREATE FUNCTION forget_finish(p_forgetting bigint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	f forgetting;
BEGIN
	SELECT * INTO f FROM forgetting WHERE id = p_forgetting FOR UPDATE;
	DELETE FROM contact_number
	 WHERE workspace = f.workspace AND number = ANY (f.numbers);
	UPDATE backfill SET contact = ARRAY['forgotten']
	 WHERE workspace = f.workspace AND contact && f.numbers;
	UPDATE backfill_slice s
	   SET party = 'forgotten ' || s.id,
	       reason = CASE WHEN progress = 'listed' THEN reason
	                     ELSE 'the person was forgotten' END,
	       progress = CASE WHEN progress = 'listed' THEN progress
	                       ELSE 'refused' END
	  FROM backfill b
	 WHERE b.id = s.backfill_id AND b.workspace = f.workspace
	   AND string_to_array(s.party, ',') && f.numbers;
	-- a worker that was at it finished it after all
	DELETE FROM job_done d USING forgotten o
	 WHERE d.workspace = f.workspace AND d.finished_at >= f.begun_at
	   AND o.forgetting = f.id AND NOT o.kept
	   AND o.digest = forgotten_digest(d.workspace, d.kind, d.resource_id);
	UPDATE forgetting
	   SET finished_at = now(), numbers = NULL, contacts = NULL
	 WHERE id = f.id;
END
$$;
COMMENT ON FUNCTION forget_finish IS 'a forgetting is complete: its list is empty';

CREATE FUNCTION forget_undo(p_workspace text, p_who text) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
	ids bigint[] := ARRAY(SELECT id FROM forgetting
		WHERE workspace = p_workspace AND finished_at IS NOT NULL
		  AND undone_at IS NULL
		  AND person && ARRAY[forgotten_digest(p_workspace, 'number', p_who),
			forgotten_digest(p_workspace, 'contact', p_who)]);
BEGIN
	UPDATE resource r SET redacted = false
	 WHERE r.workspace = p_workspace AND r.redacted
	   AND forgotten_digest(r.workspace, r.kind, r.id) IN (
		SELECT digest FROM forgotten WHERE forgetting = ANY (ids));
	DELETE FROM forgotten WHERE forgetting = ANY (ids);
	UPDATE forgetting SET undone_at = now() WHERE id = ANY (ids);
	RETURN cardinality(ids);
END
$$;
COMMENT ON FUNCTION forget_undo IS 'the person may come back, by a delivery or a list: how many forgettings that were';
