-- $1 workspace, $2 numbers and $3 contacts as JSON arrays, $4 redacted, $5 who
-- runs this: a new forgetting, and its first items
WITH who AS (
	SELECT ARRAY(SELECT jsonb_array_elements_text($2::jsonb)) AS numbers,
	       ARRAY(SELECT jsonb_array_elements_text($3::jsonb)) AS contacts
), begun AS (
	INSERT INTO forgetting (workspace, person, redacted, os_user, numbers,
		contacts)
	SELECT $1, ARRAY(SELECT forgotten_digest($1, 'number', n)
			FROM unnest(numbers) AS n UNION ALL
		SELECT forgotten_digest($1, 'contact', c)
			FROM unnest(contacts) AS c),
	       $4::boolean, $5, numbers, contacts
	  FROM who
	RETURNING id
), cards AS (
	INSERT INTO forgetting_item (forgetting, kind, resource_id, way)
	SELECT begun.id, 'contact', c, 'erase'
	  FROM begun, who, unnest(who.contacts) AS c
	 WHERE EXISTS (SELECT FROM directory d
		WHERE (d.workspace, d.kind, d.id) = ($1, 'contact', c)
		  AND d.name IS NOT NULL)
	    OR EXISTS (SELECT FROM resource r
		WHERE (r.workspace, r.kind, r.id) = ($1, 'contact', c))
	    OR EXISTS (SELECT FROM event e
		WHERE (e.workspace, e.kind, e.resource_id) = ($1, 'contact', c))
)
SELECT id FROM begun
