-- $1 workspace, $2 kind, $3 since, $4 until, as facts spell it, $5 ids of the
-- numbers that the key sees, $6 id, $7 at most: what we have, and OpenPhone did
-- not list, after that id. With a key of another workspace that is nothing.
SELECT r.id FROM resource r
 WHERE r.workspace = $1 AND r.kind = $2 AND r.id > $6 AND NOT r.ignored
   AND (r.facts -> 'deleted') IS DISTINCT FROM 'true'
   AND CASE $2 WHEN 'contact' THEN r.facts <> '{}' AND EXISTS (
		SELECT FROM directory d WHERE d.workspace = $1
		   AND d.kind = 'number' AND d.id = ANY ($5::text[]))
	ELSE r.facts ->> 'phoneNumberId' = ANY ($5::text[]) END
   AND ($2 = 'contact' OR r.id IN (SELECT t.id FROM resource t
	WHERE t.workspace = $1 AND t.kind = $2
	  AND t.facts ->> 'createdAt' COLLATE "C" >= $3
	  AND t.facts ->> 'createdAt' COLLATE "C" < $4))
   AND NOT EXISTS (SELECT FROM upstream u
	WHERE (u.workspace, u.kind, u.resource_id) = ($1, $2, r.id))
 ORDER BY r.id LIMIT $7::int
