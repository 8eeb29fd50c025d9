-- $1 workspace, $2 kind, $3 database, $4 data source, $5 style, $6 properties,
-- $7 columns, $8 columns that pages are not given, $9 all pages of ours in it
-- have a row (of a database that is remembered already this is not asked)
INSERT INTO destination (workspace, kind, database_id, data_source_id, style,
	properties, columns, skipped, known_in)
VALUES ($1, $2, $3, $4, $5, $6::jsonb, $7::jsonb, $8::jsonb,
	CASE WHEN $9::boolean THEN incarnation() END)
ON CONFLICT (workspace, kind) DO UPDATE
   SET database_id = excluded.database_id,
       data_source_id = excluded.data_source_id, style = excluded.style,
       properties = excluded.properties, columns = excluded.columns,
       skipped = excluded.skipped, read_at = now(),
       known_in = CASE
	WHEN destination.data_source_id = excluded.data_source_id
	THEN destination.known_in ELSE excluded.known_in END
