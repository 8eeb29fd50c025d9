-- $1 workspace, $2 kind, $3 database, $4 data source, $5 style, $6 properties,
-- $7 columns, $8 columns that pages are not given
INSERT INTO destination (workspace, kind, database_id, data_source_id, style,
	properties, columns, skipped)
VALUES ($1, $2, $3, $4, $5, $6::jsonb, $7::jsonb, $8::jsonb)
ON CONFLICT (workspace, kind) DO UPDATE
   SET database_id = excluded.database_id,
       data_source_id = excluded.data_source_id, style = excluded.style,
       properties = excluded.properties, columns = excluded.columns,
       skipped = excluded.skipped, read_at = now()
