-- History: ranges of time that are listed from OpenPhone's API, in slices.
CREATE TABLE backfill (
	id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	workspace    text NOT NULL,
	since        timestamptz NOT NULL,
	until        timestamptz NOT NULL,
	number       text NOT NULL,
	contact      text[] NOT NULL,
	surface      text NOT NULL CHECK (surface IN ('dated', 'v1')),
	created_at   timestamptz NOT NULL DEFAULT now(),
	cancelled_at timestamptz
);
COMMENT ON TABLE backfill IS 'what onsctl backfill was told to bring in (v_backfills shows how far it is)';
COMMENT ON COLUMN backfill.id IS 'number of the backfill';
COMMENT ON COLUMN backfill.workspace IS 'whose it is; ''default'' unless there are several';
COMMENT ON COLUMN backfill.since IS 'calls and messages from then on';
COMMENT ON COLUMN backfill.until IS 'and before';
COMMENT ON COLUMN backfill.number IS 'only those of this number of ours (PN...); empty: of all';
COMMENT ON COLUMN backfill.contact IS 'only those with one of these telephone numbers; empty: with all';
COMMENT ON COLUMN backfill.surface IS 'which of OpenPhone''s APIs lists them: dated has lists of the whole workspace, v1 one for each conversation';
COMMENT ON COLUMN backfill.created_at IS 'when it was queued';
COMMENT ON COLUMN backfill.cancelled_at IS 'when onsctl backfill --cancel ended it';

CREATE TABLE backfill_slice (
	id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	backfill_id bigint NOT NULL REFERENCES backfill,
	list        text NOT NULL CHECK (list IN ('contacts', 'conversations',
			'calls', 'messages')),
	number      text NOT NULL,
	party       text NOT NULL,
	way         text NOT NULL,
	actor       text NOT NULL,
	since       timestamptz NOT NULL,
	until       timestamptz NOT NULL,
	position    timestamptz,
	progress    text NOT NULL DEFAULT 'waiting'
		CHECK (progress IN ('waiting', 'queued', 'listed', 'refused')),
	reason      text,
	found       bigint NOT NULL DEFAULT 0,
	due         bigint NOT NULL DEFAULT 0,
	listed_at   timestamptz,
	UNIQUE (backfill_id, list, number, party, way, actor, since)
);
CREATE INDEX backfill_slice_waiting ON backfill_slice (backfill_id, id)
	WHERE progress = 'waiting';
CREATE INDEX backfill_slice_queued ON backfill_slice (backfill_id)
	WHERE progress = 'queued';
COMMENT ON TABLE backfill_slice IS 'one list to be read to its end; the job of kind backfill with its id reads it';
COMMENT ON COLUMN backfill_slice.id IS 'job.resource_id, in the order of their turn';
COMMENT ON COLUMN backfill_slice.backfill_id IS 'backfill.id';
COMMENT ON COLUMN backfill_slice.list IS 'contacts (for their names), conversations (v1: they become slices of their own), calls or messages';
COMMENT ON COLUMN backfill_slice.number IS 'only of this number of ours, PN...; empty: of all';
COMMENT ON COLUMN backfill_slice.party IS 'only with these numbers, with commas; empty: with all';
COMMENT ON COLUMN backfill_slice.way IS 'messages with one number, dated API: from or to it';
COMMENT ON COLUMN backfill_slice.actor IS 'calls of v1: of this user, US...; empty: of whom the API lists by default';
COMMENT ON COLUMN backfill_slice.since IS 'created then or later';
COMMENT ON COLUMN backfill_slice.until IS 'and before';
COMMENT ON COLUMN backfill_slice.position IS 'what was created after this moment has been stored: lists begin with the newest, and go on from here after an interruption; null: from the beginning';
COMMENT ON COLUMN backfill_slice.progress IS 'waiting for its turn, queued as a job, listed to its end, or refused by OpenPhone (see reason)';
COMMENT ON COLUMN backfill_slice.reason IS 'why it was refused';
COMMENT ON COLUMN backfill_slice.found IS 'calls, messages or contacts that it brought up, each counted once in a backfill';
COMMENT ON COLUMN backfill_slice.due IS 'how many of them were new, or had changed: their pages are written';
COMMENT ON COLUMN backfill_slice.listed_at IS 'when its end was reached';

ALTER TABLE resource ADD COLUMN backfill bigint;
COMMENT ON COLUMN resource.backfill IS 'backfill.id of the last one that listed it';

CREATE VIEW v_backfills AS
SELECT b.id, b.workspace, b.since, b.until, b.number, b.contact, b.surface,
       CASE WHEN b.cancelled_at IS NOT NULL THEN 'cancelled'
            WHEN s.open > 0 AND j.reading > 0 THEN 'listing'
            WHEN j.waiting > 0 THEN 'writing'
            WHEN s.open > 0 OR s.refused > 0 OR j.dead > 0 THEN 'incomplete'
            ELSE 'complete' END AS state,
       s.calls, s.messages, s.due, j.waiting, j.dead, s.groups,
       round(s.share::numeric, 4) AS share, s.slices, s.open, s.refused,
       coalesce(s.reason, j.reason,
		CASE WHEN s.open > 0 AND j.reading = 0 AND j.dead = 0
		      AND b.cancelled_at IS NULL
		THEN 'the reading of a list was given up (onsctl discard)' END)
	AS reason, b.created_at, b.cancelled_at
  FROM backfill b
  CROSS JOIN LATERAL (
	SELECT coalesce(sum(found) FILTER (WHERE list = 'calls'), 0)::bigint AS calls,
	       coalesce(sum(found) FILTER (WHERE list = 'messages'), 0)::bigint AS messages,
	       coalesce(sum(due), 0)::bigint AS due,
	       count(*) FILTER (WHERE list = 'messages'
			AND strpos(party, ',') > 0) AS groups,
	       count(*) AS slices,
	       count(*) FILTER (WHERE progress IN ('waiting', 'queued')) AS open,
	       count(*) FILTER (WHERE progress = 'refused') AS refused,
	       min(reason) FILTER (WHERE progress = 'refused') AS reason,
	       -- v1: of the conversations that are known so far, only
	       CASE WHEN bool_or(list = 'conversations' AND progress IN ('waiting', 'queued')) THEN 0
	       ELSE coalesce(sum(extract(epoch FROM until - CASE
			WHEN progress IN ('listed', 'refused') THEN since
			ELSE greatest(since, least(until, coalesce(position, until))) END))
			FILTER (WHERE list IN ('calls', 'messages'))
		/ nullif(sum(extract(epoch FROM until - since))
			FILTER (WHERE list IN ('calls', 'messages')), 0), 1)
	       END AS share
	  FROM backfill_slice WHERE backfill_id = b.id
  ) s
  CROSS JOIN LATERAL (
	SELECT count(*) FILTER (WHERE NOT dead AND kind <> 'backfill') AS waiting,
	       count(*) FILTER (WHERE NOT dead AND kind = 'backfill') AS reading,
	       count(*) FILTER (WHERE dead) AS dead,
	       min(last_error) FILTER (WHERE dead) AS reason
	  FROM job
	 WHERE job.workspace = b.workspace
	   AND (EXISTS (SELECT FROM resource r
		WHERE (r.workspace, r.kind, r.id)
		    = (job.workspace, job.kind, job.resource_id)
		  AND r.backfill = b.id)
		OR kind = 'backfill' AND resource_id IN (SELECT id::text
			FROM backfill_slice
		       WHERE backfill_id = b.id AND progress = 'queued'))
  ) j;
COMMENT ON VIEW v_backfills IS 'each backfill, and how far it is';
COMMENT ON COLUMN v_backfills.id IS 'for onsctl backfill --follow and --cancel';
COMMENT ON COLUMN v_backfills.workspace IS 'whose it is; ''default'' unless there are several';
COMMENT ON COLUMN v_backfills.since IS 'calls and messages from then on';
COMMENT ON COLUMN v_backfills.until IS 'and before';
COMMENT ON COLUMN v_backfills.number IS 'only of this number of ours; empty: of all';
COMMENT ON COLUMN v_backfills.contact IS 'only with these numbers; empty: with all';
COMMENT ON COLUMN v_backfills.surface IS 'which API lists them: dated or v1';
COMMENT ON COLUMN v_backfills.state IS 'listing, writing (all is listed, pages are being written), complete, incomplete (something was refused or given up; running it again brings in what is missing) or cancelled';
COMMENT ON COLUMN v_backfills.calls IS 'calls listed so far';
COMMENT ON COLUMN v_backfills.messages IS 'messages listed so far';
COMMENT ON COLUMN v_backfills.due IS 'how many of all these were new, or had changed';
COMMENT ON COLUMN v_backfills.waiting IS 'how many of them are not written yet';
COMMENT ON COLUMN v_backfills.dead IS 'jobs of its own, or of what it listed, that were given up';
COMMENT ON COLUMN v_backfills.groups IS 'conversations of several people, whose calls v1 does not list';
COMMENT ON COLUMN v_backfills.share IS 'share of the range that is listed, 0 to 1';
COMMENT ON COLUMN v_backfills.slices IS 'lists to be read';
COMMENT ON COLUMN v_backfills.open IS 'lists not read to their end yet';
COMMENT ON COLUMN v_backfills.refused IS 'lists that OpenPhone refused (see backfill_slice.reason)';
COMMENT ON COLUMN v_backfills.reason IS 'why it is not, or will not be, complete: one of the reasons';
COMMENT ON COLUMN v_backfills.created_at IS 'when it was queued';
COMMENT ON COLUMN v_backfills.cancelled_at IS 'when it was cancelled';

COMMENT ON COLUMN job.kind IS 'call, message or contact; backfill: a list to be read (see backfill_slice)';
COMMENT ON COLUMN job.resource_id IS 'OpenPhone''s id of the call, message or contact; backfill_slice.id';
COMMENT ON COLUMN attempt.kind IS 'call, message, contact or backfill';
COMMENT ON COLUMN attempt.resource_id IS 'OpenPhone''s id of the call, message or contact; backfill_slice.id';
COMMENT ON COLUMN v_failures.kind IS 'call, message, contact or backfill';
COMMENT ON COLUMN job_done.kind IS 'call, message, contact or backfill';
COMMENT ON COLUMN v_jobs.kind IS 'call, message, contact or backfill';
COMMENT ON COLUMN v_jobs.resource_id IS 'OpenPhone''s id of the call, message or contact; backfill_slice.id';
