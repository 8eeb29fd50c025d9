-- Views for people: what was missed, what came, how long it took, what it
-- costs, and the whole story of one call, message or contact. Of what was said
-- or written nothing is in them.

-- so that an id alone finds its story
DROP INDEX event_by_resource;
CREATE INDEX event_by_resource ON event (resource_id, kind, workspace);
COMMENT ON INDEX event_by_resource IS 'for a resource''s events, and v_story';
CREATE INDEX resource_by_id ON resource (id);
COMMENT ON INDEX resource_by_id IS 'for v_story';

CREATE VIEW v_missed AS
SELECT c.created_at::date AS day, c.workspace, c.created_at, c.call_id,
       c.outcome, c.from_number,
       (SELECT min(d.name)
          FROM contact_number n
          JOIN directory d ON (d.workspace, d.kind, d.id)
                            = (n.workspace, 'contact', n.contact_id)
         WHERE (n.workspace, n.number) = (c.workspace, c.from_number)) AS name,
       c.to_number,
       'https://www.notion.so/' || replace(c.page_id, '-', '') AS link
  FROM v_calls c
 WHERE c.outcome IN ('missed', 'voicemail');
COMMENT ON VIEW v_missed IS 'calls that nobody answered, those with a voicemail too; today''s: WHERE day = current_date';
COMMENT ON COLUMN v_missed.day IS 'of the call, in the session''s time zone';
COMMENT ON COLUMN v_missed.workspace IS 'whose it is; ''default'' unless there are several';
COMMENT ON COLUMN v_missed.created_at IS 'when it was, by OpenPhone''s clock';
COMMENT ON COLUMN v_missed.call_id IS 'AC...';
COMMENT ON COLUMN v_missed.outcome IS 'missed or voicemail';
COMMENT ON COLUMN v_missed.from_number IS 'who called, where the payload says so';
COMMENT ON COLUMN v_missed.name IS 'the contact with that number; of several the first by name';
COMMENT ON COLUMN v_missed.to_number IS 'who was called, where the payload says so';
COMMENT ON COLUMN v_missed.link IS 'opens its page; null: there is none yet';

-- Grouped twice, so that an outcome is found out once.
CREATE VIEW v_events_daily AS
SELECT day, workspace, type, sum(n)::bigint AS events,
       coalesce(sum(n) FILTER (WHERE outcome = 'done'), 0)::bigint
	AS succeeded,
       coalesce(sum(n) FILTER (WHERE outcome IN ('failed', 'discarded')),
	0)::bigint AS failed,
       coalesce(sum(n) FILTER (WHERE outcome = 'waiting'), 0)::bigint
	AS waiting,
       coalesce(sum(n) FILTER (WHERE outcome = 'kept'), 0)::bigint AS ignored
  FROM (SELECT received_at::date AS day, workspace, type, outcome,
	       count(*) AS n
	  FROM v_events GROUP BY 1, 2, 3, 4) e
 GROUP BY 1, 2, 3;
COMMENT ON VIEW v_events_daily IS 'deliveries by day and type, and how many of them came to what, as of now';
COMMENT ON COLUMN v_events_daily.day IS 'when they were stored, in the session''s time zone';
COMMENT ON COLUMN v_events_daily.workspace IS 'whose they are; ''default'' unless there are several';
COMMENT ON COLUMN v_events_daily.type IS 'call.completed ...; null: the payload named none';
COMMENT ON COLUMN v_events_daily.events IS 'all of them';
COMMENT ON COLUMN v_events_daily.succeeded IS 'what they told is on its page (v_events: done)';
COMMENT ON COLUMN v_events_daily.failed IS 'the work was given up (failed), or put away by a person (discarded)';
COMMENT ON COLUMN v_events_daily.waiting IS 'there is unfinished work (waiting)';
COMMENT ON COLUMN v_events_daily.ignored IS 'nothing is made of them (kept)';

-- What a backfill had made before the first delivery has no latency.
CREATE VIEW v_latency AS
SELECT p.created_at::date AS day, p.workspace, p.kind, count(*) AS pages,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY e.latency) AS p50,
       percentile_cont(0.95) WITHIN GROUP (ORDER BY e.latency) AS p95,
       percentile_cont(0.99) WITHIN GROUP (ORDER BY e.latency) AS p99,
       max(e.latency) AS longest
  FROM page p
 CROSS JOIN LATERAL (
	SELECT p.created_at - min(received_at) AS latency
	  FROM event
	 WHERE (event.workspace, event.kind, event.resource_id)
	     = (p.workspace, p.kind, p.resource_id)) e
 WHERE e.latency >= interval '0'
 GROUP BY 1, 2, 3;
COMMENT ON VIEW v_latency IS 'from the first delivery to the page, by the day on which it was made';
COMMENT ON COLUMN v_latency.day IS 'when the pages were made, in the session''s time zone';
COMMENT ON COLUMN v_latency.workspace IS 'whose they are; ''default'' unless there are several';
COMMENT ON COLUMN v_latency.kind IS 'call, message or contact';
COMMENT ON COLUMN v_latency.pages IS 'how many were made because of a delivery';
COMMENT ON COLUMN v_latency.p50 IS 'half of them took no longer';
COMMENT ON COLUMN v_latency.p95 IS '95 of 100 took no longer';
COMMENT ON COLUMN v_latency.p99 IS '99 of 100 took no longer';
COMMENT ON COLUMN v_latency.longest IS 'none took longer';

CREATE VIEW v_usage AS
SELECT day, workspace, service, requests FROM usage;
COMMENT ON VIEW v_usage IS 'requests to each service by day ([retention] counters says how long that is kept)';
COMMENT ON COLUMN v_usage.day IS 'by the server''s clock';
COMMENT ON COLUMN v_usage.workspace IS 'whose key it was; ''default'' unless there are several';
COMMENT ON COLUMN v_usage.service IS 'notion or openphone';
COMMENT ON COLUMN v_usage.requests IS 'sent that day';

CREATE VIEW v_storage AS
SELECT date_trunc('month', stored_at)::date AS month, workspace,
       split_part(slot, '/', 1) AS what, count(*) AS files, sum(size) AS bytes
  FROM media
 WHERE state = 'stored'
 GROUP BY 1, 2, 3;
COMMENT ON VIEW v_storage IS 'recordings, voicemails and attachments that are stored, by the month in which they were';
COMMENT ON COLUMN v_storage.month IS 'its first day, in the session''s time zone';
COMMENT ON COLUMN v_storage.workspace IS 'whose they are; ''default'' unless there are several';
COMMENT ON COLUMN v_storage.what IS 'recordings, voicemail or media (a message''s attachments)';
COMMENT ON COLUMN v_storage.files IS 'how many';
COMMENT ON COLUMN v_storage.bytes IS 'their sizes together';

CREATE VIEW v_story AS
SELECT r.workspace, r.kind, r.resource_id, s.at, s.what, s.detail
  FROM (SELECT workspace, kind, id AS resource_id FROM resource
	UNION
	SELECT workspace, kind, resource_id FROM event
	 WHERE resource_id IS NOT NULL) r
 CROSS JOIN LATERAL (
	SELECT e.received_at AS at, 'event' AS what,
	       concat_ws('; ', concat_ws(' of ', coalesce(e.type, 'no type'),
		to_char(e.occurred_at, 'YYYY-MM-DD HH24:MI:SS')), e.note)
		AS detail
	  FROM event e
	 WHERE (e.workspace, e.kind, e.resource_id)
	     = (r.workspace, r.kind, r.resource_id)
	UNION ALL
	SELECT a.at, 'attempt',
	       format('%s, %s: %s', a.attempt, a.error_kind, a.error)
	  FROM attempt a
	 WHERE (a.workspace, a.kind, a.resource_id)
	     = (r.workspace, r.kind, r.resource_id)
	UNION ALL
	SELECT d.finished_at, 'discarded', d.last_error
	  FROM job_done d
	 WHERE (d.workspace, d.kind, d.resource_id, d.outcome)
	     = (r.workspace, r.kind, r.resource_id, 'discarded')
	UNION ALL
	SELECT m.stored_at, 'file', concat_ws(', ', m.slot || ' ' || m.state,
		m.type, m.size || ' bytes', m.reason,
		'in Notion: ' || m.upload_state)
	  FROM media m
	 WHERE (m.workspace, m.kind, m.resource_id)
	     = (r.workspace, r.kind, r.resource_id)
	UNION ALL
	SELECT x.at, 'page', x.detail
	  FROM page p
	 CROSS JOIN LATERAL (VALUES
		(p.created_at, 'created, ' || p.page_id),
		(p.written_at, 'last written to'),
		(CASE p.state WHEN 'intent' THEN p.intent_at END,
		 'about to be created')) x (at, detail)
	 WHERE (p.workspace, p.kind, p.resource_id)
	     = (r.workspace, r.kind, r.resource_id)
	   AND x.at IS NOT NULL
	UNION ALL
	SELECT j.run_at, 'job', concat_ws(', ', j.state,
		nullif(j.attempts, 0) || ' attempts', j.error_kind)
		|| coalesce(': ' || j.last_error, '')
	  FROM v_jobs j
	 WHERE (j.workspace, j.kind, j.resource_id)
	     = (r.workspace, r.kind, r.resource_id)
	UNION ALL
	SELECT x.recheck_at, 'recheck',
	       'OpenPhone is asked for what may still come'
	  FROM resource x
	 WHERE (x.workspace, x.kind, x.id)
	     = (r.workspace, r.kind, r.resource_id)
	   AND x.recheck_at IS NOT NULL
	) s;
COMMENT ON VIEW v_story IS 'all that happened to a call, message or contact: WHERE resource_id = ''...'' ORDER BY at';
COMMENT ON COLUMN v_story.workspace IS 'whose it is; ''default'' unless there are several';
COMMENT ON COLUMN v_story.kind IS 'call, message or contact; task ...: deliveries only';
COMMENT ON COLUMN v_story.resource_id IS 'OpenPhone''s id';
COMMENT ON COLUMN v_story.at IS 'when; a job or recheck: not before, so it may be to come';
COMMENT ON COLUMN v_story.what IS 'event: a delivery; attempt: one that failed; discarded: the work was put away; file: of a recording, voicemail or attachment; page; job: work that is unfinished now; recheck';
COMMENT ON COLUMN v_story.detail IS 'more about it; nothing of what was said or written';
