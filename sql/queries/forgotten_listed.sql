-- $1 workspace, $2 kind, $3 id, $4 when it was created, or null, $5 its parties
-- as a JSON array: was it forgotten, or one of them after that?
SELECT is_forgotten($1, $2, $3) OR EXISTS (
	SELECT FROM forgotten o, jsonb_array_elements_text($5::jsonb) AS n
	 WHERE o.digest = forgotten_digest($1, 'number', n)
	   AND ($4::text IS NULL OR o.at > $4::timestamptz)) AS forgotten
