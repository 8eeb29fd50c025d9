COMMENT ON TABLE migration IS 'versions of these tables that onsctl migrate has applied';

-- The ledger of deliveries. A row is never changed: what became of an event
-- is to be seen in v_events.
CREATE TABLE event (
	id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	workspace    text NOT NULL,
	delivery_key text NOT NULL,
	event_id     text,
	type         text,
	generation   smallint NOT NULL,
	kind         text NOT NULL,
	resource_id  text,
	occurred_at  timestamptz,
	received_at  timestamptz NOT NULL DEFAULT now(),
	note         text,
	UNIQUE (workspace, delivery_key)
);
CREATE INDEX event_by_resource ON event (workspace, kind, resource_id);
CREATE INDEX event_by_time ON event USING brin (received_at);

COMMENT ON TABLE event IS 'every authentic delivery, once; written by ons-webhook, never changed';
COMMENT ON COLUMN event.delivery_key IS 'webhook-id header, else event id/type/object id, else the hash of the body: what makes a repeated delivery recognisable';
COMMENT ON COLUMN event.generation IS 'shape of the payload: 1 = app webhook (v2, v3), 2 = v1 API webhook (v4), 3 = dated webhook, 0 = none of these';
COMMENT ON COLUMN event.kind IS 'what the event is about: call, message, contact, task, integration, other';
COMMENT ON COLUMN event.occurred_at IS 'createdAt of the envelope: when it happened, by OpenPhone''s clock';
COMMENT ON COLUMN event.note IS 'why nothing was made due, or what was repaired; null for an ordinary event';

-- Bodies go when their retention ends, by dropping a week's partition.
CREATE TABLE event_body (
	event_id    bigint NOT NULL,
	received_at timestamptz NOT NULL,
	headers     jsonb,
	body        bytea NOT NULL,
	PRIMARY KEY (event_id, received_at)
) PARTITION BY RANGE (received_at);
CREATE TABLE event_body_rest PARTITION OF event_body DEFAULT;

COMMENT ON TABLE event_body IS 'the deliveries'' bytes as received, one partition a week (convert_from(body, ''UTF8'') shows the text)';
COMMENT ON TABLE event_body_rest IS 'bodies of weeks without a partition of their own; normally empty';

-- The state that a resource's events and OpenPhone's API add up to.
CREATE TABLE resource (
	workspace  text NOT NULL,
	kind       text NOT NULL,
	id         text NOT NULL,
	facts      jsonb NOT NULL,
	times      jsonb NOT NULL,
	outcome    text,
	events     bigint[] NOT NULL DEFAULT '{}',
	checks     integer NOT NULL DEFAULT 0,
	recheck_at timestamptz,
	changed_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (workspace, kind, id)
);
CREATE INDEX resource_recheck ON resource (recheck_at) WHERE recheck_at IS NOT NULL;

COMMENT ON TABLE resource IS 'calls, messages and contacts: the folded state of each (v_calls and v_messages show it in plain columns)';
COMMENT ON COLUMN resource.facts IS 'what is known, in one vocabulary for all generations of payloads';
COMMENT ON COLUMN resource.times IS 'for each path in facts, the time at which OpenPhone said so: the newer value wins';
COMMENT ON COLUMN resource.events IS 'ids of the events that are folded in';
COMMENT ON COLUMN resource.checks IS 'how often OpenPhone was asked again for parts that may still come';
COMMENT ON COLUMN resource.recheck_at IS 'when to ask next; null: nothing more is expected';

-- The queue: only what is not finished, one row a resource.
CREATE TABLE job (
	id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	workspace   text NOT NULL,
	kind        text NOT NULL,
	resource_id text NOT NULL,
	priority    smallint NOT NULL DEFAULT 0,
	run_at      timestamptz NOT NULL DEFAULT now(),
	generation  integer NOT NULL DEFAULT 1,
	dead        boolean NOT NULL DEFAULT false,
	attempts    smallint NOT NULL DEFAULT 0,
	lease_until timestamptz,
	lease_by    bigint,
	last_error  text,
	error_kind  text,
	created_at  timestamptz NOT NULL DEFAULT now(),
	UNIQUE (workspace, kind, resource_id)
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0,
	autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX job_due ON job (priority, run_at, id) WHERE NOT dead;

COMMENT ON TABLE job IS 'resources that are due; a row goes when its work is done (then see job_done)';
COMMENT ON COLUMN job.priority IS 'lower goes first: 0 live events, 10 re-checks, 20 history';
COMMENT ON COLUMN job.generation IS 'grows with every event; a worker that finishes an older one puts the job back';
COMMENT ON COLUMN job.lease_until IS 'a worker has it until then; afterwards anybody may take it';
COMMENT ON COLUMN job.lease_by IS 'run.id of that worker; only it may finish the job';
COMMENT ON COLUMN job.dead IS 'given up after too many attempts or a permanent error: see last_error';

CREATE TABLE job_done (
	finished_at timestamptz NOT NULL DEFAULT now(),
	workspace   text NOT NULL,
	kind        text NOT NULL,
	resource_id text NOT NULL,
	attempts    smallint NOT NULL,
	due_at      timestamptz NOT NULL
);
CREATE INDEX job_done_by_time ON job_done USING brin (finished_at);
COMMENT ON TABLE job_done IS 'finished jobs, for statistics: append-only';

-- Processes that hold leases, so that a dead one's are freed at once.
CREATE TABLE run (
	id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	host       text NOT NULL,
	pid        integer NOT NULL,
	born       text NOT NULL,
	program    text NOT NULL,
	started_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE run IS 'running processes of ons-process';
COMMENT ON COLUMN run.born IS 'boot id and start time of the process: a pid alone may be somebody else''s by now';

-- What is in Notion.
CREATE TABLE destination (
	workspace      text NOT NULL,
	kind           text NOT NULL,
	database_id    text NOT NULL,
	data_source_id text NOT NULL,
	style          text NOT NULL,
	properties     jsonb NOT NULL,
	columns        jsonb NOT NULL DEFAULT '{}',
	read_at        timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (workspace, kind)
);
COMMENT ON TABLE destination IS 'the Notion databases that pages go to, made or adopted by onsctl init';
COMMENT ON COLUMN destination.style IS 'ours or original: which set of columns the pages are written for';
COMMENT ON COLUMN destination.properties IS 'the data source''s columns as Notion described them at read_at';
COMMENT ON COLUMN destination.columns IS 'our name of a column -> Notion''s property id, so that a renamed column keeps working';

CREATE TABLE page (
	workspace   text NOT NULL,
	kind        text NOT NULL,
	resource_id text NOT NULL,
	state       text NOT NULL CHECK (state IN ('intent', 'written', 'trashed')),
	page_id     text,
	url         text,
	title       text,
	icon        text,
	properties  jsonb NOT NULL DEFAULT '{}',
	sections    jsonb NOT NULL DEFAULT '[]',
	intent_at   timestamptz NOT NULL DEFAULT now(),
	lookups     integer NOT NULL DEFAULT 0,
	created_at  timestamptz,
	written_at  timestamptz,
	PRIMARY KEY (workspace, kind, resource_id)
);
CREATE UNIQUE INDEX page_by_id ON page (page_id);
COMMENT ON TABLE page IS 'the Notion page of each resource, and what we last wrote on it';
COMMENT ON COLUMN page.state IS 'intent: a creation may have been sent and its outcome is not known; trashed: a person threw the page away, it stays so';
COMMENT ON COLUMN page.lookups IS 'how often the page was looked for since the intent';
COMMENT ON COLUMN page.properties IS 'property id -> hash of the value as last written';
COMMENT ON COLUMN page.sections IS '[{name, hash, count, blocks, stale, writing}] in page order: what each section holds, the ids of its blocks where they are known, ids still to be deleted, and whether a write may have been sent whose outcome is not known';

CREATE TABLE media (
	workspace    text NOT NULL,
	kind         text NOT NULL,
	resource_id  text NOT NULL,
	slot         text NOT NULL,
	state        text NOT NULL CHECK (state IN ('stored', 'gone', 'refused')),
	reason       text,
	key          text,
	sha256       text,
	size         bigint,
	type         text,
	token        text UNIQUE,
	stored_at    timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (workspace, kind, resource_id, slot)
);
COMMENT ON TABLE media IS 'recordings, voicemails and attachments: what is stored where';
COMMENT ON COLUMN media.slot IS 'path in resource.facts: recordings/<id>, voicemail, media/<n>';
COMMENT ON COLUMN media.token IS 'the secret part of the link that readers click (/r/<token>); null revokes it';

-- Names of users, of our numbers and of contacts.
CREATE TABLE directory (
	workspace  text NOT NULL,
	kind       text NOT NULL CHECK (kind IN ('user', 'number', 'contact')),
	id         text NOT NULL,
	name       text,
	number     text,
	fetched_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (workspace, kind, id)
);
COMMENT ON TABLE directory IS 'names as OpenPhone told them; a null name: OpenPhone does not know the id';
CREATE TABLE contact_number (
	workspace  text NOT NULL,
	number     text NOT NULL,
	contact_id text NOT NULL,
	PRIMARY KEY (workspace, number, contact_id)
);
CREATE INDEX contact_number_by_contact ON contact_number (workspace, contact_id);
COMMENT ON TABLE contact_number IS 'telephone numbers of contacts, to find a name by number';

-- Requests of the last minute (or second) to each service, for all processes.
CREATE TABLE bucket (
	workspace    text NOT NULL,
	service      text NOT NULL,
	slot         bigint NOT NULL DEFAULT 0,
	used         integer[] NOT NULL,
	paused_until timestamptz,
	reason       text,
	for_operator boolean NOT NULL DEFAULT false,
	PRIMARY KEY (workspace, service)
) WITH (fillfactor = 50);
COMMENT ON TABLE bucket IS 'rate limit of a workspace''s credential at a service, shared by all processes';
COMMENT ON COLUMN bucket.paused_until IS 'nobody calls the service until then; the workspace''s jobs are not claimed';
COMMENT ON COLUMN bucket.for_operator IS 'the pause is for a person to act (see reason), not a time that the service named';
CREATE TABLE usage (
	workspace text NOT NULL,
	service   text NOT NULL,
	day       date NOT NULL,
	requests  bigint NOT NULL,
	PRIMARY KEY (workspace, service, day)
) WITH (fillfactor = 50);
COMMENT ON TABLE usage IS 'requests sent to each service, by day';

-- Store a batch of deliveries and make their resources due. One statement a
-- batch: the arrays are parallel, an element a delivery.
CREATE FUNCTION event_store(p_workspace text[], p_delivery_key text[],
	p_event_id text[], p_type text[], p_generation text[], p_kind text[],
	p_resource_id text[], p_occurred_at text[], p_note text[], p_headers text[],
	p_body bytea[], p_due text[])
RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path FROM CURRENT AS $$
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
	SELECT count(*) FROM stored
$$;
COMMENT ON FUNCTION event_store IS 'ons-webhook''s only door: store deliveries once, make their resources due';

-- Make a resource due without an event (re-check, replay, retry).
CREATE FUNCTION job_due(p_workspace text, p_kind text, p_resource_id text,
	p_priority integer)
RETURNS void LANGUAGE sql AS $$
	INSERT INTO job (workspace, kind, resource_id, priority)
	VALUES (p_workspace, p_kind, p_resource_id, p_priority)
	ON CONFLICT (workspace, kind, resource_id) DO UPDATE
	   SET generation = job.generation + 1,
	       priority = least(job.priority, excluded.priority),
	       run_at = CASE WHEN job.dead THEN now()
	                     ELSE least(job.run_at, now()) END,
	       attempts = CASE WHEN job.dead THEN 0 ELSE job.attempts END,
	       dead = false
$$;

-- Two statements, so that the second sees what was committed while the first
-- waited for the row: an event that came in meanwhile.
CREATE FUNCTION job_finish(p_id bigint, p_lease_by bigint, p_generation integer)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	j job;
BEGIN
	DELETE FROM job
	 WHERE id = p_id AND lease_by = p_lease_by AND generation = p_generation
	RETURNING * INTO j;
	IF FOUND THEN
		INSERT INTO job_done (workspace, kind, resource_id, attempts, due_at)
		VALUES (j.workspace, j.kind, j.resource_id, j.attempts, j.created_at);
		RETURN 'done';
	END IF;
	UPDATE job
	   SET lease_until = NULL, lease_by = NULL, attempts = 0, last_error = NULL,
	       error_kind = NULL
	 WHERE id = p_id AND lease_by = p_lease_by;
	RETURN CASE WHEN FOUND THEN 'again' ELSE 'lost' END;
END
$$;
COMMENT ON FUNCTION job_finish IS 'done; again: an event came in while the job ran; lost: the lease had expired and is another''s';

-- One request of the workspace to the service: 0 = go, else the milliseconds
-- to wait. The window is 60 slots long; a request counts until its slot has
-- left the window, so no stretch of window - 1 slot holds more than the limit.
CREATE FUNCTION bucket_take(p_workspace text, p_service text, p_limit integer,
	p_window_ms integer)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	slot_ms constant numeric := p_window_ms / 60.0;
	b bucket;
	now_ms numeric;
	this bigint;
	total bigint;
BEGIN
	INSERT INTO bucket (workspace, service, used)
	VALUES (p_workspace, p_service, array_fill(0, ARRAY[60]))
	ON CONFLICT DO NOTHING;
	SELECT * INTO b FROM bucket
	 WHERE workspace = p_workspace AND service = p_service FOR UPDATE;
	IF b.paused_until > clock_timestamp() THEN
		RETURN ceil(extract(epoch FROM b.paused_until - clock_timestamp()) * 1000);
	END IF;
	-- the clock is read with the row locked: slots never go backwards
	now_ms := extract(epoch FROM clock_timestamp()) * 1000;
	this := greatest(floor(now_ms / slot_ms), b.slot);
	IF this - b.slot >= 60 THEN
		b.used := array_fill(0, ARRAY[60]);
	ELSIF this > b.slot THEN
		b.used := b.used[this - b.slot + 1 : 60] ||
			array_fill(0, ARRAY[(this - b.slot)::int]);
	END IF;
	SELECT sum(u) INTO total FROM unnest(b.used) u;
	IF total >= p_limit THEN
		-- until enough of the oldest slots have left the window
		FOR i IN 1..60 LOOP
			total := total - b.used[i];
			IF total < p_limit THEN
				RETURN ceil((this + i) * slot_ms - now_ms);
			END IF;
		END LOOP;
	END IF;
	b.used[60] := b.used[60] + 1;
	UPDATE bucket SET used = b.used, slot = this
	 WHERE workspace = p_workspace AND service = p_service;
	INSERT INTO usage (workspace, service, day, requests)
	VALUES (p_workspace, p_service, current_date, 1)
	ON CONFLICT (workspace, service, day) DO UPDATE
	   SET requests = usage.requests + 1;
	RETURN 0;
END
$$;

-- Weekly partitions of event_body for now and the coming weeks. Rows that
-- went to the default partition stay there: their week gets no partition.
CREATE FUNCTION partitions_ahead(p_weeks integer)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
	week timestamp;
	name text;
BEGIN
	FOR i IN 0..p_weeks LOOP
		week := date_trunc('week', now() AT TIME ZONE 'UTC') + i * interval '1 week';
		name := 'event_body_' || to_char(week, 'IYYY"w"IW');
		CONTINUE WHEN to_regclass(name) IS NOT NULL;
		BEGIN
			EXECUTE format(
				'CREATE TABLE %I PARTITION OF event_body FOR VALUES FROM (%L) TO (%L)',
				name, week AT TIME ZONE 'UTC',
				(week + interval '1 week') AT TIME ZONE 'UTC');
		EXCEPTION WHEN check_violation OR duplicate_table THEN
			NULL; -- rows of that week are in the default partition, or
			      -- another process was faster
		END;
	END LOOP;
END
$$;

CREATE VIEW v_events AS
SELECT e.workspace, e.delivery_key AS delivery_id, e.event_id, e.type,
       e.generation, e.kind, e.resource_id, e.occurred_at, e.received_at,
       CASE WHEN e.kind NOT IN ('call', 'message', 'contact')
              OR e.resource_id IS NULL THEN 'kept'
            WHEN j.dead THEN 'failed'
            WHEN j.id IS NOT NULL THEN 'waiting'
            ELSE 'done' END AS outcome,
       e.note, e.id
  FROM event e
  LEFT JOIN job j ON (j.workspace, j.kind, j.resource_id)
                   = (e.workspace, e.kind, e.resource_id);
COMMENT ON VIEW v_events IS 'deliveries and what became of them: done, waiting, failed (its job is dead), kept (stored only, the note says why)';

CREATE VIEW v_calls AS
SELECT r.workspace, r.id AS call_id, r.outcome,
       r.facts ->> 'direction' AS direction, r.facts ->> 'status' AS status,
       (r.facts ->> 'createdAt')::timestamptz AS created_at,
       (r.facts ->> 'answeredAt')::timestamptz AS answered_at,
       (r.facts ->> 'completedAt')::timestamptz AS completed_at,
       (r.facts ->> 'duration')::numeric AS duration,
       coalesce(r.facts ->> 'from', r.facts #>> '{voicemail,from}') AS from_number,
       coalesce(r.facts ->> 'to', r.facts #>> '{voicemail,to}') AS to_number,
       coalesce(r.facts -> 'external', r.facts -> 'participants') AS participants,
       r.facts ->> 'phoneNumberId' AS phone_number_id,
       r.facts ->> 'userId' AS user_id,
       r.facts ->> 'conversationId' AS conversation_id,
       (SELECT count(*) FROM jsonb_object_keys(coalesce(r.facts -> 'recordings', '{}'))) AS recordings,
       r.facts ? 'voicemail' AS has_voicemail,
       r.facts #>> '{voicemail,transcript}' AS voicemail_text,
       r.facts #> '{summary,summary}' AS summary,
       r.facts #> '{summary,nextSteps}' AS next_steps,
       r.facts -> 'transcripts' AS transcripts,
       p.title, p.page_id, p.url AS page_url, p.state AS page_state,
       cardinality(r.events) AS events, r.changed_at
  FROM resource r
  LEFT JOIN page p ON (p.workspace, p.kind, p.resource_id)
                    = (r.workspace, r.kind, r.id)
 WHERE r.kind = 'call';
COMMENT ON VIEW v_calls IS 'calls in plain columns, each with its Notion page';

CREATE VIEW v_messages AS
SELECT r.workspace, r.id AS message_id,
       r.facts ->> 'direction' AS direction, r.facts ->> 'status' AS status,
       (r.facts ->> 'createdAt')::timestamptz AS created_at,
       r.facts ->> 'from' AS from_number, r.facts -> 'to' AS to_numbers,
       r.facts ->> 'text' AS text,
       jsonb_array_length(coalesce(r.facts -> 'media', '[]')) AS media,
       r.facts ->> 'errorCode' AS error_code,
       r.facts ->> 'phoneNumberId' AS phone_number_id,
       r.facts ->> 'userId' AS user_id,
       r.facts ->> 'conversationId' AS conversation_id,
       p.title, p.page_id, p.url AS page_url, p.state AS page_state,
       cardinality(r.events) AS events, r.changed_at
  FROM resource r
  LEFT JOIN page p ON (p.workspace, p.kind, p.resource_id)
                    = (r.workspace, r.kind, r.id)
 WHERE r.kind = 'message';
COMMENT ON VIEW v_messages IS 'text messages in plain columns, each with its Notion page';

CREATE VIEW v_jobs AS
SELECT workspace, kind, resource_id,
       CASE WHEN dead THEN 'dead'
            WHEN lease_until > now() THEN 'running'
            WHEN run_at > now() THEN 'waiting'
            ELSE 'due' END AS state,
       attempts, run_at, last_error, error_kind, generation, lease_until,
       lease_by, priority, created_at, id
  FROM job;
COMMENT ON VIEW v_jobs IS 'unfinished work: due, running, waiting (until run_at), dead';

CREATE VIEW v_pages AS
SELECT p.workspace, p.kind, p.resource_id, p.state, p.title,
       (SELECT string_agg(s ->> 'name', ', ' ORDER BY n)
          FROM jsonb_array_elements(p.sections) WITH ORDINALITY AS x (s, n)
         WHERE (s ->> 'count')::int > 0) AS sections,
       p.created_at, p.written_at,
       p.created_at - (SELECT min(e.received_at) FROM event e
         WHERE (e.workspace, e.kind, e.resource_id)
             = (p.workspace, p.kind, p.resource_id)) AS latency,
       p.page_id, p.url
  FROM page p;
COMMENT ON VIEW v_pages IS 'pages in Notion; latency is the time from the first delivery to the page''s creation';

CREATE VIEW v_media AS
SELECT workspace, kind, resource_id, slot, state, reason, key, size, type,
       sha256, token IS NOT NULL AS linked, stored_at
  FROM media;
COMMENT ON VIEW v_media IS 'stored recordings, voicemails and attachments; the link''s token is not shown';

CREATE VIEW v_links AS
SELECT token, key, type FROM media WHERE token IS NOT NULL AND state = 'stored';
COMMENT ON VIEW v_links IS 'what ons-portal may look up: where a link leads';
