-- What a person must mend (a refused key, a database that is not shared any
-- more). A row is a trouble that lasts, or the last one of its kind.
CREATE TABLE trouble (
	workspace text NOT NULL,
	service   text NOT NULL,
	part      text NOT NULL,
	reason    text NOT NULL,
	since     timestamptz NOT NULL DEFAULT now(),
	ended_at  timestamptz,
	told_at   timestamptz,
	next_at   timestamptz NOT NULL DEFAULT now(),
	tries     integer NOT NULL DEFAULT 0,
	tried_by  bigint,
	PRIMARY KEY (workspace, service, part)
);
COMMENT ON TABLE trouble IS 'what a person must mend: a refused key, a database that is not shared; v_troubles shows what lasts';
COMMENT ON COLUMN trouble.workspace IS 'whose it is; ''default'' unless there are several';
COMMENT ON COLUMN trouble.service IS 'notion, openphone or storage';
COMMENT ON COLUMN trouble.part IS 'empty: nobody calls the service; call, message or contact: only what goes to that database waits';
COMMENT ON COLUMN trouble.reason IS 'what the service said, and what to do';
COMMENT ON COLUMN trouble.since IS 'when it began';
COMMENT ON COLUMN trouble.ended_at IS 'when it was mended; null: it lasts';
COMMENT ON COLUMN trouble.told_at IS 'when people were last told: at its beginning, and then once an hour';
COMMENT ON COLUMN trouble.next_at IS 'nobody calls before; then one job tries whether it is mended';
COMMENT ON COLUMN trouble.tries IS 'how often that was in vain';
COMMENT ON COLUMN trouble.tried_by IS 'job.id of the job that tries now, or tried last';

-- 0 = go; -1 = go, as the one that tries whether a trouble is over; else the
-- milliseconds to wait. A person's own commands (no job) are never kept waiting.
CREATE FUNCTION trouble_wait(p_workspace text, p_service text, p_part text,
	p_job bigint)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	t trouble;
	tries boolean := false;
BEGIN
	FOR t IN SELECT * FROM trouble
	          WHERE workspace = p_workspace AND service = p_service
	            AND part IN ('', p_part) AND ended_at IS NULL
	          ORDER BY part FOR UPDATE
	LOOP
		tries := true;
		IF p_job IS NOT NULL AND t.next_at > clock_timestamp()
		   AND t.tried_by IS DISTINCT FROM p_job THEN
			RETURN ceil(extract(epoch FROM
				t.next_at - clock_timestamp()) * 1000);
		END IF;
	END LOOP;
	IF NOT tries THEN
		RETURN 0;
	END IF;
	-- longer than any request takes; should the worker die, another tries then
	UPDATE trouble
	   SET tried_by = p_job, next_at = clock_timestamp() + interval '90 seconds'
	 WHERE workspace = p_workspace AND service = p_service
	   AND part IN ('', p_part) AND ended_at IS NULL
	   AND next_at <= clock_timestamp();
	RETURN -1;
END
$$;
COMMENT ON FUNCTION trouble_wait IS 'may a job call the service? 0 = yes, -1 = yes, to try whether a trouble is over, else milliseconds to wait';

-- A service refused for a reason that a person must mend. news: begins, lasts
-- (a reminder is due), or null (people know). wait: milliseconds until the
-- next try, from a minute to five.
CREATE FUNCTION trouble_met(p_workspace text, p_service text, p_part text,
	p_reason text, OUT news text, OUT wait bigint)
LANGUAGE plpgsql AS $$
DECLARE
	t trouble;
BEGIN
	INSERT INTO trouble (workspace, service, part, reason, ended_at)
	VALUES (p_workspace, p_service, p_part, p_reason, '-infinity')
	ON CONFLICT DO NOTHING;
	SELECT * INTO t FROM trouble
	 WHERE workspace = p_workspace AND service = p_service AND part = p_part
	   FOR UPDATE;
	IF t.ended_at IS NOT NULL THEN
		-- what comes and goes is told of once, not each time
		IF t.told_at IS NULL OR t.ended_at < now() - interval '10 minutes' THEN
			news := 'begins';
		END IF;
		t.since := now();
		t.tries := 0;
		t.tried_by := NULL;
		t.next_at := now() + interval '1 minute';
	ELSIF t.tried_by IS NOT NULL OR t.next_at <= now() THEN
		t.tries := t.tries + 1;
		t.tried_by := NULL;
		t.next_at := now() + least(2 ^ least(t.tries, 10), 5) * interval '1 minute';
	END IF;
	IF news IS NULL AND t.told_at < now() - interval '1 hour' THEN
		news := 'lasts';
	END IF;
	UPDATE trouble
	   SET reason = p_reason, since = t.since, ended_at = NULL,
	       told_at = CASE WHEN news IS NULL THEN told_at ELSE now() END,
	       tries = t.tries, tried_by = t.tried_by, next_at = t.next_at
	 WHERE workspace = p_workspace AND service = p_service AND part = p_part;
	wait := greatest(0, ceil(extract(epoch FROM t.next_at - now()) * 1000));
END
$$;
COMMENT ON FUNCTION trouble_met IS 'a service refused us: its trouble begins or lasts; tells whether people are to be told, and when to try again';

-- It works again: what waited for that is due. The seconds that it lasted and
-- whether people had been told; no row: there was none.
CREATE FUNCTION trouble_ended(p_workspace text, p_service text, p_part text)
RETURNS TABLE (seconds bigint, told boolean) LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY
	UPDATE trouble SET ended_at = clock_timestamp(), tried_by = NULL
	 WHERE workspace = p_workspace AND service = p_service AND part = p_part
	   AND ended_at IS NULL
	RETURNING extract(epoch FROM now() - since)::bigint, told_at >= since;
	IF FOUND THEN
		UPDATE job SET run_at = now()
		 WHERE id IN (SELECT id FROM job
			WHERE workspace = p_workspace AND NOT dead
			  AND error_kind = 'operator' AND run_at > now()
			  FOR UPDATE SKIP LOCKED);
	END IF;
END
$$;
COMMENT ON FUNCTION trouble_ended IS 'a service works again: its trouble is over, and what waited for that is due';

CREATE VIEW v_troubles AS
SELECT workspace, service, part, reason, since, next_at, tries
  FROM trouble WHERE ended_at IS NULL;
COMMENT ON VIEW v_troubles IS 'what a person must mend now; work goes on by itself afterwards';
COMMENT ON COLUMN v_troubles.workspace IS 'whose it is';
COMMENT ON COLUMN v_troubles.service IS 'notion, openphone or storage';
COMMENT ON COLUMN v_troubles.part IS 'empty: all of the service; else the kind whose database it is';
COMMENT ON COLUMN v_troubles.reason IS 'what the service said, and what to do';
COMMENT ON COLUMN v_troubles.since IS 'when it began';
COMMENT ON COLUMN v_troubles.next_at IS 'when it is tried next whether it is mended';
COMMENT ON COLUMN v_troubles.tries IS 'how often that was in vain';

-- The rate limit: finer slots, a rate that is learned, room for live events.
ALTER TABLE bucket
	ADD COLUMN full_until timestamptz,
	ADD COLUMN background_at timestamptz,
	ADD COLUMN learned integer,
	ADD COLUMN learned_at timestamptz,
	ADD COLUMN hits smallint NOT NULL DEFAULT 0,
	ADD COLUMN hit_at timestamptz;
COMMENT ON COLUMN bucket.used IS 'requests in each of the last slots, the current one last';
COMMENT ON COLUMN bucket.slot IS 'the current slot, a 240th of the window, counted since 1970';
COMMENT ON COLUMN bucket.for_operator IS 'no longer used: see trouble';
COMMENT ON COLUMN bucket.paused_until IS 'the service named that time: nobody calls it before';
COMMENT ON COLUMN bucket.full_until IS 'the rate is used up until then';
COMMENT ON COLUMN bucket.background_at IS 'when the next request for history may go; live events need not wait for it';
COMMENT ON COLUMN bucket.learned IS 'requests in a window that the service really takes, where that is less than configured; it creeps up again; null: as configured';
COMMENT ON COLUMN bucket.learned_at IS 'since when';
COMMENT ON COLUMN bucket.hits IS 'how often in a row the service said 429 though we were inside the rate';
COMMENT ON COLUMN bucket.hit_at IS 'when last';

-- The bucket as of now, its row locked. A request counts until its slot has left
-- the window, so no stretch of window - 1 slot holds more than the limit.
CREATE FUNCTION bucket_now(p_workspace text, p_service text, p_window_ms integer)
RETURNS bucket LANGUAGE plpgsql AS $$
DECLARE
	slots constant integer := 240;
	b bucket;
	this bigint;
BEGIN
	LOOP
		SELECT * INTO b FROM bucket
		 WHERE workspace = p_workspace AND service = p_service FOR UPDATE;
		EXIT WHEN FOUND;
		INSERT INTO bucket (workspace, service, used)
		VALUES (p_workspace, p_service, array_fill(0, ARRAY[slots]))
		ON CONFLICT DO NOTHING;
	END LOOP;
	-- the clock is read with the row locked: slots never go backwards
	this := floor(extract(epoch FROM clock_timestamp()) * 1000
		* slots / p_window_ms);
	IF cardinality(b.used) <> slots OR abs(this - b.slot) >= slots THEN
		b.used := array_fill(0, ARRAY[slots]);
	ELSIF this > b.slot THEN
		b.used := b.used[this - b.slot + 1 : slots] ||
			array_fill(0, ARRAY[(this - b.slot)::int]);
	ELSE
		this := b.slot;
	END IF;
	b.slot := this;
	RETURN b;
END
$$;
COMMENT ON FUNCTION bucket_now IS 'a bucket with its slots moved on to the present';

-- What may be sent in a window: as configured, or what was learned, from where
-- it creeps up: by a tenth, then two more, four more, the slower the more often
-- the service has said no.
CREATE FUNCTION bucket_limit(b bucket, p_limit integer, p_window_ms integer)
RETURNS integer LANGUAGE sql STABLE AS $$
	SELECT CASE WHEN b.learned IS NULL THEN p_limit
	       ELSE least(p_limit, b.learned + ceil(p_limit * 0.1)
		* (2 ^ least(10, greatest(0, floor(
			extract(epoch FROM clock_timestamp() - b.learned_at)::numeric
			* 1000 / (p_window_ms * 2 ^ (b.hits - 2))))) - 1)) END::integer
$$;
COMMENT ON FUNCTION bucket_limit IS 'requests that a bucket allows in a window now';

-- One request of the workspace to the service: 0 = go, else the milliseconds to
-- wait. Background requests are spread evenly over the window and leave a little
-- of it, so that live events find room.
DROP FUNCTION bucket_take(text, text, integer, integer);
CREATE FUNCTION bucket_take(p_workspace text, p_service text, p_limit integer,
	p_window_ms integer, p_background boolean DEFAULT false)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	b bucket := bucket_now(p_workspace, p_service, p_window_ms);
	slots integer := cardinality(b.used);
	room integer := bucket_limit(b, p_limit, p_window_ms);
	now_at constant timestamptz := clock_timestamp();
	total integer;
	wait bigint := 0;
BEGIN
	IF room = p_limit AND b.learned IS NOT NULL THEN
		b.learned := NULL;
		b.hits := 0;
	END IF;
	IF p_background THEN
		room := greatest(1, room - greatest(1, room * 2 / 100));
		wait := ceil(extract(epoch FROM b.background_at - now_at) * 1000);
	END IF;
	wait := greatest(0, wait,
		ceil(extract(epoch FROM b.paused_until - now_at) * 1000));
	IF wait > 0 THEN
		RETURN wait;
	END IF;
	SELECT sum(u) INTO total FROM unnest(b.used) u;
	IF total < room THEN
		b.used[slots] := b.used[slots] + 1;
		IF p_background THEN
			-- who comes late may catch up with a second's worth
			b.background_at := greatest(
				coalesce(b.background_at, now_at),
				now_at - interval '1 second')
				+ p_window_ms / room::float * interval '1 millisecond';
		END IF;
		INSERT INTO usage (workspace, service, day, requests)
		VALUES (p_workspace, p_service, current_date, 1)
		ON CONFLICT (workspace, service, day) DO UPDATE
		   SET requests = usage.requests + 1;
	ELSE
		-- until enough of the oldest slots have left the window
		FOR i IN 1..slots LOOP
			total := total - b.used[i];
			CONTINUE WHEN total >= room;
			wait := greatest(1, ceil((b.slot + i) * (p_window_ms::numeric / slots)
				- extract(epoch FROM now_at)::numeric * 1000));
			EXIT;
		END LOOP;
		-- nobody need claim a job before; short waits are waited out
		IF p_background THEN
			b.background_at := now_at + wait * interval '1 millisecond';
		ELSIF wait > 2000 THEN
			b.full_until := now_at + wait * interval '1 millisecond';
		END IF;
	END IF;
	UPDATE bucket
	   SET used = b.used, slot = b.slot, background_at = b.background_at,
	       full_until = b.full_until, learned = b.learned, hits = b.hits
	 WHERE workspace = p_workspace AND service = p_service;
	RETURN wait;
END
$$;
COMMENT ON FUNCTION bucket_take IS 'one request to a service: 0 = go, else milliseconds to wait; background requests leave room for live events';

-- The service named a time: nobody calls before. p_refused: a 429, which the
-- service does not count as a request. If that comes again and again though we
-- are inside the rate, somebody else uses the key, or the plan allows less: then
-- what it took is the rate for now, and returned when that is news. With little
-- sent it is not our rate that it is about.
CREATE FUNCTION bucket_pause(p_workspace text, p_service text, p_limit integer,
	p_window_ms integer, p_ms bigint, p_reason text, p_refused boolean)
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	b bucket := bucket_now(p_workspace, p_service, p_window_ms);
	room integer := bucket_limit(b, p_limit, p_window_ms);
	pause interval := p_ms * interval '1 millisecond';
	one_window interval := p_window_ms * interval '1 millisecond';
	total integer;
	news integer;
BEGIN
	IF p_refused THEN
		FOR i IN REVERSE cardinality(b.used)..1 LOOP
			CONTINUE WHEN b.used[i] = 0;
			b.used[i] := b.used[i] - 1;
			EXIT;
		END LOOP;
		SELECT sum(u) INTO total FROM unnest(b.used) u;
		IF total < p_limit / 4 OR total >= room * 0.95 THEN
			NULL;
		ELSIF b.learned IS NULL AND (b.hit_at IS NULL
			OR b.hit_at < now() - 10 * one_window) THEN
			b.hits := 1;
			b.hit_at := now();
		ELSIF b.hit_at < now() - one_window / 2 THEN
			b.hits := least(b.hits + 1, 8);
			b.hit_at := now();
			IF b.learned IS NULL THEN
				news := greatest(1, total);
			END IF;
			b.learned := greatest(1, total);
			b.learned_at := now() + pause;
		END IF;
	END IF;
	UPDATE bucket
	   SET used = b.used, slot = b.slot, hits = b.hits, hit_at = b.hit_at,
	       learned = b.learned, learned_at = b.learned_at,
	       paused_until = greatest(paused_until, now() + pause),
	       reason = p_reason
	 WHERE workspace = p_workspace AND service = p_service;
	RETURN news;
END
$$;
COMMENT ON FUNCTION bucket_pause IS 'a service named a time before which nobody calls it; returns a lower rate when one was learned';

-- Pages that carry the same id as the one that is kept up.
ALTER TABLE page ADD COLUMN doubles jsonb NOT NULL DEFAULT '[]';
COMMENT ON COLUMN page.doubles IS 'addresses of other pages that carry the same id; a person may throw them away';
CREATE OR REPLACE VIEW v_pages AS
SELECT p.workspace, p.kind, p.resource_id, p.state, p.title,
       (SELECT string_agg(s ->> 'name', ', ' ORDER BY n)
          FROM jsonb_array_elements(p.sections) WITH ORDINALITY AS x (s, n)
         WHERE (s ->> 'count')::int > 0) AS sections,
       p.created_at, p.written_at,
       p.created_at - (SELECT min(e.received_at) FROM event e
         WHERE (e.workspace, e.kind, e.resource_id)
             = (p.workspace, p.kind, p.resource_id)) AS latency,
       p.page_id, p.url, p.doubles
  FROM page p;
COMMENT ON COLUMN v_pages.doubles IS 'addresses of other pages that carry the same id; a person may throw them away';
