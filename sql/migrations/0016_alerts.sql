-- What people are told of by [alert] webhook. A row is something that is wrong,
-- or was and people are yet to hear that it is over.
CREATE TABLE alert (
	workspace   text NOT NULL,
	what        text NOT NULL,
	host        text NOT NULL,
	part        text NOT NULL,
	reason      text NOT NULL,
	amount      bigint NOT NULL,
	told_amount bigint NOT NULL DEFAULT 0,
	since       timestamptz NOT NULL,
	seen_at     timestamptz NOT NULL DEFAULT now(),
	gone_at     timestamptz,
	told_at     timestamptz,
	next_at     timestamptz NOT NULL DEFAULT now(),
	tries       integer NOT NULL DEFAULT 0,
	failure     text,
	PRIMARY KEY (workspace, what, host, part)
);
COMMENT ON TABLE alert IS 'what people are told of by [alert] webhook; v_alerts shows it';
COMMENT ON COLUMN alert.workspace IS 'whose it is; ''default'' unless there are several; empty: the host''s';
COMMENT ON COLUMN alert.what IS 'dead, paused, backlog, silence, spooled, set_aside or disk';
COMMENT ON COLUMN alert.host IS 'on which host; empty: on none in particular';
COMMENT ON COLUMN alert.part IS 'paused: the service, and which of its databases; disk: the folder';
COMMENT ON COLUMN alert.reason IS 'what is wrong, when it was last looked at';
COMMENT ON COLUMN alert.amount IS 'how much there is of it: jobs, deliveries';
COMMENT ON COLUMN alert.told_amount IS 'the least that there was since people were told: more is news';
COMMENT ON COLUMN alert.since IS 'when it began';
COMMENT ON COLUMN alert.seen_at IS 'when it was last looked at';
COMMENT ON COLUMN alert.gone_at IS 'since when it is not wrong any more; after two minutes it is over';
COMMENT ON COLUMN alert.told_at IS 'when people were last told; null: not yet';
COMMENT ON COLUMN alert.next_at IS 'no message is sent before';
COMMENT ON COLUMN alert.tries IS 'how often in a row no message of the workspace''s could be delivered';
COMMENT ON COLUMN alert.failure IS 'why not';

-- One look at one thing. p_found: [{"part", "reason", "amount", "since"}], all
-- that is wrong with it now, or null; what is not in it any more is gone.
CREATE FUNCTION alert_look(p_workspace text, p_what text, p_host text,
	p_found jsonb)
RETURNS void LANGUAGE sql AS $$
	INSERT INTO alert (workspace, what, host, part, reason, amount, since)
	SELECT p_workspace, p_what, p_host, f.part, f.reason,
	       coalesce(f.amount, 0), coalesce(f.since, now())
	  FROM jsonb_to_recordset(coalesce(p_found, '[]')) AS f (part text,
		reason text, amount bigint, since timestamptz)
	ON CONFLICT (workspace, what, host, part) DO UPDATE
	   SET reason = excluded.reason, amount = excluded.amount,
	       told_amount = least(alert.told_amount, excluded.amount),
	       seen_at = now(), gone_at = NULL;
	UPDATE alert SET seen_at = now(), gone_at = coalesce(gone_at, now())
	 WHERE workspace = p_workspace AND what = p_what AND host = p_host
	   AND part NOT IN (SELECT f ->> 'part'
		FROM jsonb_array_elements(coalesce(p_found, '[]')) f);
$$;
COMMENT ON FUNCTION alert_look IS 'notes what is wrong with one thing now, and that all else of it is not any more';

CREATE VIEW v_alerts AS
SELECT nullif(workspace, '') AS workspace, what, nullif(host, '') AS host,
       nullif(part, '') AS part, reason, since, seen_at, told_at, gone_at,
       failure,
       CASE WHEN failure IS NOT NULL THEN next_at END AS next_at
  FROM alert;
COMMENT ON VIEW v_alerts IS 'what people are told of by [alert] webhook: what is wrong, or is over but they are yet to hear of that';
COMMENT ON COLUMN v_alerts.workspace IS 'whose it is; null: the host''s';
COMMENT ON COLUMN v_alerts.what IS 'dead: jobs were given up; paused: a person must act at a service; backlog: jobs wait; silence: nothing is delivered; spooled, set_aside: files in the spool; disk: it is nearly full';
COMMENT ON COLUMN v_alerts.host IS 'on which host; null: on none in particular';
COMMENT ON COLUMN v_alerts.part IS 'paused: the service, and which of its databases; disk: the folder';
COMMENT ON COLUMN v_alerts.reason IS 'what is wrong, when it was last looked at';
COMMENT ON COLUMN v_alerts.since IS 'when it began';
COMMENT ON COLUMN v_alerts.seen_at IS 'when it was last looked at; long ago: nobody is to be told any more, or nobody looks';
COMMENT ON COLUMN v_alerts.told_at IS 'when people were last told; null: not yet';
COMMENT ON COLUMN v_alerts.gone_at IS 'since when it is not wrong any more; null: it lasts';
COMMENT ON COLUMN v_alerts.failure IS 'why the last message could not be delivered; null: it was, or none was tried';
COMMENT ON COLUMN v_alerts.next_at IS 'when that is tried again';

COMMENT ON TABLE chore IS 'work that one process at a time does: onsctl reconcile and maintain, and the alerts of ons-process';
COMMENT ON COLUMN chore.workspace IS 'whose it is; ''default'' unless there are several; empty: of all';
