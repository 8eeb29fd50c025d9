-- When a name changed, so that relink finds the pages written before; and the
-- pages written today, found without reading all of them.

-- rows that are there already: nobody knows, so nothing is to be rewritten
ALTER TABLE directory ADD COLUMN changed_at timestamptz;
COMMENT ON COLUMN directory.changed_at IS 'when the name, or a contact''s numbers, last changed or were first heard of; null: before this was noted';

COMMENT ON COLUMN destination.kind IS 'call, message or contact';

CREATE INDEX page_by_written ON page (written_at);
COMMENT ON INDEX page_by_written IS 'for onsctl status and relink';
