-- $1 workspace, $2 kind, $3 id, $4 name or null, $5 number or null
INSERT INTO directory (workspace, kind, id, name, number)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (workspace, kind, id) DO UPDATE
   SET name = excluded.name, number = excluded.number, fetched_at = now()
