-- $1 workspace, $2 kind, $3 database, $4 data source, $5 style, $6 properties,
-- $7 columns
INSERT INTO destination (workspace, kind, database_id, data_source_id, style,
	properties, columns)
VALUES ($1, $2, $3, $4, $5, $6::jsonb, $7::jsonb)
ON CONFLICT (workspace, kind) DO UPDATE
   SET database_id = excluded.database_id,
       data_source_id = excluded.data_source_id, style = excluded.style,
       properties = excluded.properties, columns = excluded.columns,
       read_at = now()
