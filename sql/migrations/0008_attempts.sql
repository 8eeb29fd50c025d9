-- What went wrong is kept, attempt by attempt; a worker that dies is noticed,
-- and a job that kills its workers is given up.
CREATE TABLE attempt (
	at          timestamptz NOT NULL DEFAULT now(),
	workspace   text NOT NULL,
	kind        text NOT NULL,
	resource_id text NOT NULL,
	attempt     smallint NOT NULL,
	took        interval,
	error_kind  text NOT NULL,
	error       text NOT NULL,
	host        text,
	run         bigint NOT NULL
);
CREATE INDEX attempt_by_resource ON attempt (workspace, resource_id, at);
CREATE INDEX attempt_by_time ON attempt USING brin (at);
COMMENT ON TABLE attempt IS 'attempts at jobs that failed, and the first of each series of waits: append-only';
COMMENT ON COLUMN attempt.at IS 'when it ended';
COMMENT ON COLUMN attempt.workspace IS 'whose it is; ''default'' unless there are several';
COMMENT ON COLUMN attempt.kind IS 'call, message or contact';
COMMENT ON COLUMN attempt.resource_id IS 'OpenPhone''s id of the call, message or contact';
COMMENT ON COLUMN attempt.attempt IS 'the how-manieth since it last went well';
COMMENT ON COLUMN attempt.took IS 'from the claim to the end; null: not known';
COMMENT ON COLUMN attempt.error_kind IS 'retry, wait, unknown-outcome, operator, configuration, permanent, or died: the worker was gone';
COMMENT ON COLUMN attempt.error IS 'what went wrong, numbers masked';
COMMENT ON COLUMN attempt.host IS 'where the worker ran';
COMMENT ON COLUMN attempt.run IS 'run.id of the worker';

ALTER TABLE job
	ADD COLUMN claimed_at timestamptz,
	ADD COLUMN deaths smallint NOT NULL DEFAULT 0;
COMMENT ON COLUMN job.claimed_at IS 'when a worker last took it';
COMMENT ON COLUMN job.deaths IS 'attempts that ended with the worker''s death, of those that attempts counts';
COMMENT ON COLUMN job.run_at IS 'not before; of a dead job: when it was given up';
COMMENT ON COLUMN job.error_kind IS 'what that means: retry, wait, unknown-outcome, operator, configuration, permanent, died';
COMMENT ON COLUMN v_jobs.run_at IS 'not before; of a dead job: when it was given up';
COMMENT ON COLUMN v_jobs.error_kind IS 'retry, wait, unknown-outcome, operator, configuration, permanent, died';

ALTER TABLE job_done
	ADD COLUMN outcome text NOT NULL DEFAULT 'done'
		CHECK (outcome IN ('done', 'discarded')),
	ADD COLUMN last_error text;
CREATE INDEX job_done_discarded ON job_done (workspace, kind, resource_id)
	WHERE outcome = 'discarded';
COMMENT ON TABLE job_done IS 'finished and discarded jobs: append-only';
COMMENT ON COLUMN job_done.finished_at IS 'when it was done, or discarded';
COMMENT ON COLUMN job_done.outcome IS 'done, or discarded: given up, and a person (or [retention] dead) put it away';
COMMENT ON COLUMN job_done.last_error IS 'of a discarded job: why it had been given up';

CREATE VIEW v_failures AS
SELECT a.workspace, a.kind, a.error_kind,
       regexp_replace(a.error, '[[:alnum:]_-]*[0-9]{4}[[:alnum:]_-]*', '...',
                      'g') AS reason,
       count(*) AS attempts, count(DISTINCT a.resource_id) AS resources,
       count(DISTINCT a.resource_id) FILTER (WHERE j.dead) AS dead,
       min(a.at) AS first_seen, max(a.at) AS last_seen
  FROM attempt a
  LEFT JOIN job j ON (j.workspace, j.kind, j.resource_id)
                   = (a.workspace, a.kind, a.resource_id)
 WHERE a.error_kind <> 'wait'
 GROUP BY 1, 2, 3, 4;
COMMENT ON VIEW v_failures IS 'what went wrong lately, by reason ([retention] attempts says how long it is kept)';
COMMENT ON COLUMN v_failures.workspace IS 'whose it is; ''default'' unless there are several';
COMMENT ON COLUMN v_failures.kind IS 'call, message or contact';
COMMENT ON COLUMN v_failures.error_kind IS 'retry, unknown-outcome, operator, configuration, permanent, died';
COMMENT ON COLUMN v_failures.reason IS 'the error without the ids in it';
COMMENT ON COLUMN v_failures.attempts IS 'how many attempts failed of it';
COMMENT ON COLUMN v_failures.resources IS 'of how many calls, messages or contacts';
COMMENT ON COLUMN v_failures.dead IS 'how many of those are given up now';
COMMENT ON COLUMN v_failures.first_seen IS 'when it was first seen';
COMMENT ON COLUMN v_failures.last_seen IS 'when it was last seen';

-- Deliveries whose job was discarded are not done, unless a later one brought
-- the page about.
CREATE OR REPLACE VIEW v_events AS
SELECT e.workspace, e.delivery_key AS delivery_id, e.event_id, e.type,
       e.generation, e.kind, e.resource_id, e.occurred_at, e.received_at,
       CASE WHEN e.kind NOT IN ('call', 'message', 'contact')
              OR e.resource_id IS NULL THEN 'kept'
            WHEN j.dead THEN 'failed'
            WHEN j.id IS NOT NULL THEN 'waiting'
            WHEN EXISTS (SELECT FROM job_done d
                          WHERE (d.workspace, d.kind, d.resource_id, d.outcome)
                              = (e.workspace, e.kind, e.resource_id, 'discarded')
                            AND d.finished_at >= e.received_at
                            AND NOT EXISTS (SELECT FROM page p
                                 WHERE (p.workspace, p.kind, p.resource_id)
                                     = (e.workspace, e.kind, e.resource_id)
                                   AND p.written_at > d.finished_at))
            THEN 'discarded'
            ELSE 'done' END AS outcome,
       e.note, e.id
  FROM event e
  LEFT JOIN job j ON (j.workspace, j.kind, j.resource_id)
                   = (e.workspace, e.kind, e.resource_id);
COMMENT ON VIEW v_events IS 'deliveries and what became of them: done, waiting, failed (its job is dead), discarded (so it was, by a person), kept (stored only, the note says why)';
