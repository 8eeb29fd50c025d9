-- $1 workspace, $2 ids (of calls, messages, contacts, users, our lines) and
-- telephone numbers, $3 since then or null, $4 all of them,
-- $5 priority, $6 and $7 kind and id where the batch before ended. Calls and
-- messages become due: those that the ids name or that mention them; without
-- ids those on whose page a name stands that changed after it was written.
-- due: how many of this batch; last_kind, last_id: where it ends, null: no more.
WITH given AS (
	SELECT unnest($2::text[]) AS who
), named AS (
	-- a contact's own page is a change, too: others link to it
	SELECT d.kind, d.id,
	       greatest(d.changed_at, p.created_at) AS changed_at
	  FROM directory d LEFT JOIN page p
	    ON (p.workspace, p.kind, p.resource_id, p.state)
	     = (d.workspace, d.kind, d.id, 'written') AND p.kind = 'contact'
	 WHERE d.workspace = $1
	   AND (d.changed_at IS NOT NULL OR p.created_at IS NOT NULL)
), changed AS (
	SELECT id AS who, changed_at FROM named
	UNION ALL
	SELECT c.number, n.changed_at
	  FROM named n JOIN contact_number c ON c.contact_id = n.id
	 WHERE c.workspace = $1 AND n.kind = 'contact'
), wanted AS (
	SELECT who, 'infinity'::timestamptz AS changed_at FROM given
	UNION ALL
	SELECT c.number, 'infinity' FROM contact_number c
	  JOIN given ON given.who = c.contact_id WHERE c.workspace = $1
	UNION ALL
	SELECT who, changed_at FROM changed
	 WHERE NOT EXISTS (SELECT FROM given)
), candidate AS (
	SELECT r.kind, r.id, r.facts, p.written_at
	  FROM resource r LEFT JOIN page p
	    ON (p.workspace, p.kind, p.resource_id)
	     = (r.workspace, r.kind, r.id)
	 WHERE r.workspace = $1 AND r.kind IN ('call', 'message')
	   AND (r.kind, r.id) > ($6, $7)
	   AND p.state IS DISTINCT FROM 'trashed'
	   AND ($3::text IS NULL OR
		coalesce((r.facts ->> 'createdAt')::timestamptz, r.changed_at)
		>= $3::timestamptz)
	 ORDER BY r.kind, r.id LIMIT 5000
), found AS (
	SELECT kind, id FROM candidate WHERE $4::boolean
	UNION
	SELECT c.kind, c.id
	  FROM candidate c
	 CROSS JOIN LATERAL (
		SELECT jsonb_path_query(c.facts,
			'$.keyvalue() ? (@.key like_regex "^(id|userId|answeredBy|initiatedBy|phoneNumberId|from|to|participants|external|forwardedFrom|forwardedTo|contactIds)$").value[*]')
		UNION
		SELECT jsonb_path_query(c.facts, '$.voicemail.from')
		UNION
		SELECT jsonb_path_query(c.facts,
			'$.transcripts.*.dialogue[*].identifier')
		UNION
		SELECT jsonb_path_query(c.facts,
			'$.transcripts.*.dialogue[*].userId')
		UNION -- identifier and userId, where many lines are texts
		SELECT jsonb_path_query((text #>> '{}')::jsonb, '$[*][3 to 4]')
		  FROM jsonb_path_query(c.facts,
			'$.transcripts.*.dialogue[*] ? (@.type() == "string")') AS text
	  ) m (value)
	  JOIN wanted w ON w.who = m.value #>> '{}'
	 WHERE NOT $4::boolean
	   AND w.changed_at > coalesce(c.written_at, '-infinity')
	   AND (c.written_at IS NOT NULL OR w.changed_at = 'infinity')
	 ORDER BY kind, id
), due AS MATERIALIZED (
	SELECT job_due($1, kind, id, $5::int) FROM found
)
SELECT (SELECT count(*) FROM due) AS due, last.kind AS last_kind,
       last.id AS last_id
  FROM (SELECT) one LEFT JOIN LATERAL (SELECT kind, id FROM candidate
	ORDER BY kind DESC, id DESC LIMIT 1) last ON true
