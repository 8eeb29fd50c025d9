-- A page that was written into another database than the one in use is not
-- there for the writer: its columns are not known.
ALTER TABLE page ADD COLUMN data_source_id text;
COMMENT ON COLUMN page.data_source_id IS 'destination.data_source_id when it was created; after a change of the database its resource gets a new page there when it is next due';
