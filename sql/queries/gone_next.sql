-- $1 workspace, $2 kind, $3 since, $4 until, as facts spell it, $5 ids of the
-- numbers that the key sees, $6 id, $7 at most: what we have, and OpenPhone did
-- not list, after that id. With a key of another workspace that is nothing.
WITH known AS (
	SELECT id FROM resource
	 WHERE workspace = $1 AND kind = $2 AND $2 <> 'contact'
	   AND (facts ->> 'createdAt') COLLATE "C" >= $3
	   AND (facts ->> 'createdAt') COLLATE "C" < $4
	   AND facts ->> 'phoneNumberId' = ANY ($5::text[])
	   AND id > $6 AND NOT ignored
	   AND (facts -> 'deleted') IS DISTINCT FROM 'true'
	UNION ALL
	SELECT id FROM resource
	 WHERE workspace = $1 AND kind = $2 AND $2 = 'contact' AND facts <> '{}'
	   AND EXISTS (SELECT FROM directory d WHERE d.workspace = $1
		AND d.kind = 'number' AND d.id = ANY ($5::text[]))
	   AND id > $6 AND NOT ignored
	   AND (facts -> 'deleted') IS DISTINCT FROM 'true'
)
SELECT id FROM known
 WHERE NOT EXISTS (SELECT FROM upstream u
	WHERE (u.workspace, u.kind, u.resource_id) = ($1, $2, known.id))
 ORDER BY id LIMIT $7::int
