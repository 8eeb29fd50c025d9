-- $1 workspace, $2 telephone numbers, $3 ids of contacts: who that is, as JSON
-- arrays. A contact with one of the numbers belongs to the person, and so do
-- the other numbers that only the person's contacts have. several: contacts
-- that share a number that was given; unknown: ids that nothing is known of;
-- ours: numbers of the workspace; others: numbers left out, for others have
-- them as well.
WITH holder AS (
	SELECT number, contact_id FROM contact_number
	 WHERE workspace = $1 AND number = ANY ($2::text[])
), shared AS (
	SELECT number FROM holder GROUP BY number
	HAVING count(*) > 1 AND NOT bool_and(contact_id = ANY ($3::text[]))
), contact AS (
	SELECT unnest($3::text[]) AS id UNION SELECT contact_id FROM holder
), card AS (
	SELECT c.number, bool_and(EXISTS (SELECT FROM contact
		WHERE contact.id = h.contact_id)) AS alone
	  FROM contact_number c JOIN contact ON contact.id = c.contact_id
	  JOIN contact_number h ON (h.workspace, h.number) = (c.workspace, c.number)
	 WHERE c.workspace = $1
	 GROUP BY c.number
), number AS (
	SELECT unnest($2::text[]) AS number
	UNION SELECT number FROM card WHERE alone
)
SELECT (SELECT coalesce(json_agg(number ORDER BY number), '[]') FROM number
	 WHERE number <> '') AS numbers,
       (SELECT coalesce(json_agg(id ORDER BY id), '[]') FROM contact)
	AS contacts,
       (SELECT string_agg(DISTINCT contact_id, ', ') FROM holder
	 WHERE number IN (SELECT number FROM shared)) AS several,
       (SELECT string_agg(c, ', ') FROM unnest($3::text[]) AS c
	 WHERE NOT EXISTS (SELECT FROM directory d
		WHERE (d.workspace, d.kind, d.id) = ($1, 'contact', c))
	   AND NOT EXISTS (SELECT FROM resource r
		WHERE (r.workspace, r.kind, r.id) = ($1, 'contact', c)))
	AS unknown,
       (SELECT string_agg(d.number, ', ') FROM directory d JOIN number n
		ON n.number = d.number
	 WHERE d.workspace = $1 AND d.kind = 'number') AS ours,
       (SELECT string_agg(number, ', ') FROM card
	 WHERE NOT alone AND number <> ALL ($2::text[])) AS others
