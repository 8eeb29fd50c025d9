-- $1 workspace, $2 kind, $3 id, $4 name or null, $5 number or null
INSERT INTO directory (workspace, kind, id, name, number, changed_at)
VALUES ($1, $2, $3, $4, $5, now())
ON CONFLICT (workspace, kind, id) DO UPDATE
   SET name = coalesce(excluded.name, directory.name), -- a deleted contact's stays
       number = excluded.number, fetched_at = now(),
       changed_at = CASE WHEN directory.name IS DISTINCT FROM
			coalesce(excluded.name, directory.name)
		THEN now() ELSE directory.changed_at END
