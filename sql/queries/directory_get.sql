-- $1 workspace, $2 ids (users, numbers, contacts), $3 telephone numbers.
-- fresh: no need to ask OpenPhone again. by_number: the row answers $3.
SELECT kind, id, name, number,
       fetched_at > now() - interval '24 hours' AS fresh, false AS by_number
  FROM directory WHERE workspace = $1 AND id = ANY ($2::text[])
UNION ALL
SELECT d.kind, d.id, d.name, c.number, true, true
  FROM contact_number c JOIN directory d
    ON d.workspace = c.workspace AND d.kind = 'contact' AND d.id = c.contact_id
 WHERE c.workspace = $1 AND c.number = ANY ($3::text[])
 ORDER BY by_number, id
