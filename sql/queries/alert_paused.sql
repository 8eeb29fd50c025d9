-- $1 workspace: look whether a person must act at a service
SELECT alert_look($1, 'paused', '', (
	SELECT jsonb_agg(jsonb_build_object(
		'part', concat_ws(' ', service, nullif(part, '')), 'since', since,
		'reason', format('%s: a person must act, and what needs it waits: %s',
			service, left(reason, 600))))
	  FROM trouble WHERE workspace = $1 AND ended_at IS NULL))
