-- When an ons-process was last at work: the table run has those that are, and
-- one that drains an empty queue is there for a moment only.

CREATE TABLE last_run (
	workspace  text NOT NULL,
	host       text NOT NULL,
	program    text NOT NULL,
	started_at timestamptz NOT NULL DEFAULT now(),
	seen_at    timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (workspace, host)
);
COMMENT ON TABLE last_run IS 'the last start of ons-process for a workspace, on each host';
COMMENT ON COLUMN last_run.workspace IS 'whose jobs it does; ''default'' unless there are several';
COMMENT ON COLUMN last_run.host IS 'name of the host';
COMMENT ON COLUMN last_run.program IS 'lingering or draining';
COMMENT ON COLUMN last_run.started_at IS 'when it began';
COMMENT ON COLUMN last_run.seen_at IS 'when it was last at work, to the minute';
