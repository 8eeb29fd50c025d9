-- Columns that pages cannot be given, so that they are told of once.
ALTER TABLE destination ADD COLUMN skipped jsonb NOT NULL DEFAULT '[]';
COMMENT ON COLUMN destination.skipped IS 'our columns that the database lacks, or has in a type that cannot be written: "Name: reason", told of already';
