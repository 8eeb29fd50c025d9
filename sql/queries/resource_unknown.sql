-- $1 workspace, $2 ids: the first of them that nothing is known of
SELECT id FROM unnest($2::text[]) WITH ORDINALITY AS given (id, n)
 WHERE NOT EXISTS (SELECT FROM resource r
	WHERE r.workspace = $1 AND r.kind IN ('call', 'message', 'contact')
	  AND r.id = given.id)
 ORDER BY n LIMIT 1
