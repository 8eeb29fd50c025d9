-- State that is to be folded again, and the proof that nothing is missing.

ALTER TABLE resource ADD COLUMN refold boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN resource.refold IS 'its next job folds all its events again (onsctl replay); what they do not tell is kept';

-- What this database remembers holds for this database only: one that was
-- restored has other tables, one that was rolled back or failed over another
-- timeline. (Some servers hide their timeline; then the tables must do.)
CREATE FUNCTION incarnation() RETURNS text
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT AS $$
BEGIN
	RETURN 'destination'::regclass::oid || '/'
		|| left(pg_walfile_name(pg_current_wal_lsn()), 8);
EXCEPTION WHEN OTHERS THEN
	RETURN 'destination'::regclass::oid || '/';
END
$$;
COMMENT ON FUNCTION incarnation IS 'another text once the database was restored, or has failed over: it may have lost its last rows';

ALTER TABLE destination ADD COLUMN known_in text;
UPDATE destination SET known_in = incarnation();
COMMENT ON COLUMN destination.known_in IS 'the incarnation() in which all its pages of ours are in the table page; in any other one a page is looked for before it is made, until onsctl reconcile has listed them';

CREATE TABLE listing (
	workspace   text NOT NULL,
	kind        text NOT NULL,
	page_id     text NOT NULL,
	resource_id text NOT NULL,
	url         text,
	created_at  timestamptz,
	archived    boolean NOT NULL,
	listed_at   timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (workspace, kind, page_id)
);
CREATE INDEX listing_by_resource ON listing (workspace, kind, resource_id);
COMMENT ON TABLE listing IS 'the rows of the Notion databases as the last onsctl reconcile found them';
COMMENT ON COLUMN listing.workspace IS 'whose it is; ''default'' unless there are several';
COMMENT ON COLUMN listing.kind IS 'call, message or contact: which database';
COMMENT ON COLUMN listing.page_id IS 'Notion''s id of the page';
COMMENT ON COLUMN listing.resource_id IS 'what stands in the column with OpenPhone''s id; empty: a row of somebody''s own';
COMMENT ON COLUMN listing.url IS 'where the page is';
COMMENT ON COLUMN listing.created_at IS 'when it was made, to the minute';
COMMENT ON COLUMN listing.archived IS 'a person archived it';
COMMENT ON COLUMN listing.listed_at IS 'when it was seen';

CREATE TABLE finding (
	workspace   text NOT NULL,
	kind        text NOT NULL,
	what        text NOT NULL,
	side        text NOT NULL CHECK (side IN ('notion', 'openphone')),
	resource_id text NOT NULL,
	page_id     text NOT NULL DEFAULT '',
	url         text,
	found_at    timestamptz NOT NULL DEFAULT now(),
	repaired_at timestamptz,
	PRIMARY KEY (workspace, kind, what, resource_id, page_id)
);
COMMENT ON TABLE finding IS 'what did not agree at the last onsctl reconcile';
COMMENT ON COLUMN finding.workspace IS 'whose it is; ''default'' unless there are several';
COMMENT ON COLUMN finding.kind IS 'call, message or contact';
COMMENT ON COLUMN finding.what IS 'missing: a person removed the page; restored: and put it back; unknown: a page of ours that was not in the table page; doubled: a second page; renamed: OpenPhone''s id was changed on the page; unwritten: it has no page and no job; lost: OpenPhone has it, we had not; outdated: OpenPhone knew more of it';
COMMENT ON COLUMN finding.side IS 'what did not agree with our tables: notion or openphone';
COMMENT ON COLUMN finding.resource_id IS 'OpenPhone''s id';
COMMENT ON COLUMN finding.page_id IS 'Notion''s id of the page; empty: it is about none';
COMMENT ON COLUMN finding.url IS 'where the page is';
COMMENT ON COLUMN finding.found_at IS 'when';
COMMENT ON COLUMN finding.repaired_at IS 'when it was repaired; null: it was not';

-- Work that one process at a time does.
CREATE TABLE chore (
	workspace   text NOT NULL,
	name        text NOT NULL,
	run         bigint,
	lease_until timestamptz,
	started_at  timestamptz NOT NULL DEFAULT now(),
	finished_at timestamptz,
	summary     text,
	PRIMARY KEY (workspace, name)
);
COMMENT ON TABLE chore IS 'work that one process at a time does: onsctl reconcile and maintain';
COMMENT ON COLUMN chore.workspace IS 'whose it is; ''default'' unless there are several';
COMMENT ON COLUMN chore.name IS 'which work';
COMMENT ON COLUMN chore.run IS 'run.id of who does it; null: nobody does';
COMMENT ON COLUMN chore.lease_until IS 'if that one is gone, another may begin then';
COMMENT ON COLUMN chore.started_at IS 'when it was last begun';
COMMENT ON COLUMN chore.finished_at IS 'when it was last brought to its end';
COMMENT ON COLUMN chore.summary IS 'what came of it then, in a sentence';

CREATE TABLE upstream (
	workspace   text NOT NULL,
	kind        text NOT NULL,
	resource_id text NOT NULL,
	PRIMARY KEY (workspace, kind, resource_id)
);
COMMENT ON TABLE upstream IS 'what OpenPhone''s lists had at the last onsctl reconcile';
COMMENT ON COLUMN upstream.workspace IS 'whose it is; ''default'' unless there are several';
COMMENT ON COLUMN upstream.kind IS 'call or message';
COMMENT ON COLUMN upstream.resource_id IS 'OpenPhone''s id';

-- Weeks of bodies that are over go at once, by dropping their partition. One
-- that is in use, or holds what is not folded yet, stays for the next time.
CREATE FUNCTION bodies_expire(p_before timestamptz) RETURNS bigint
LANGUAGE plpgsql SET search_path FROM CURRENT SET lock_timeout = '2s' AS $$
DECLARE
	part regclass;
	waiting boolean;
	dropped bigint := 0;
BEGIN
	FOR part IN
		SELECT c.oid::regclass
		  FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
		 WHERE i.inhparent = 'event_body'::regclass
		   AND substring(pg_get_expr(c.relpartbound, c.oid)
			FROM 'TO \(''([^'']+)''\)')::timestamptz <= p_before
	LOOP
		EXECUTE format('SELECT EXISTS (SELECT FROM %s b
			JOIN event e ON e.id = b.event_id
			JOIN job j ON (j.workspace, j.kind, j.resource_id)
			            = (e.workspace, e.kind, e.resource_id))', part)
		   INTO waiting;
		CONTINUE WHEN waiting;
		BEGIN
			EXECUTE format('DROP TABLE %s', part);
			dropped := dropped + 1;
		EXCEPTION WHEN lock_not_available THEN
			NULL;
		END;
	END LOOP;
	RETURN dropped;
END
$$;
COMMENT ON FUNCTION bodies_expire IS 'drop the partitions of event_body that end before then: how many';

CREATE TABLE storage_stat (
	workspace text NOT NULL,
	day       date NOT NULL,
	what      text NOT NULL,
	objects   bigint NOT NULL,
	bytes     bigint NOT NULL,
	PRIMARY KEY (workspace, what, day)
);
COMMENT ON TABLE storage_stat IS 'what is stored of recordings, voicemails and attachments, day by day (onsctl maintain)';
COMMENT ON COLUMN storage_stat.workspace IS 'whose it is; ''default'' unless there are several';
COMMENT ON COLUMN storage_stat.day IS 'by the server''s clock; as it was last seen on that day';
COMMENT ON COLUMN storage_stat.what IS 'recordings, voicemail or media';
COMMENT ON COLUMN storage_stat.objects IS 'files';
COMMENT ON COLUMN storage_stat.bytes IS 'their sizes together';
