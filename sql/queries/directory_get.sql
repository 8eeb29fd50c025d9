-- $1 workspace, $2 ids (users, numbers, contacts), $3 telephone numbers.
-- fresh: no need to ask OpenPhone again. by_number: the row answers $3.
-- page_id: of the contact's page, where there is one.
SELECT d.kind, d.id, d.name, d.number,
       d.fetched_at > now() - interval '24 hours' AS fresh,
       false AS by_number, p.page_id
  FROM directory d
  LEFT JOIN page p ON (p.workspace, p.kind, p.resource_id, p.state)
		    = (d.workspace, d.kind, d.id, 'written')
 WHERE d.workspace = $1 AND d.kind IN ('user', 'number', 'contact')
   AND d.id = ANY ($2::text[])
UNION ALL
SELECT d.kind, d.id, d.name, c.number, true, true, p.page_id
  FROM contact_number c JOIN directory d
    ON d.workspace = c.workspace AND d.kind = 'contact' AND d.id = c.contact_id
  LEFT JOIN page p ON (p.workspace, p.kind, p.resource_id, p.state)
		    = (d.workspace, d.kind, d.id, 'written')
 WHERE c.workspace = $1 AND c.number = ANY ($3::text[])
 ORDER BY by_number, id
