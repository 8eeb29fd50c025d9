-- Workers are a workspace's own: what is due in another one is not even passed
-- over, however much that is.
DROP INDEX job_due;
CREATE INDEX job_due ON job (workspace, priority, run_at, id) WHERE NOT dead;

COMMENT ON COLUMN v_links.workspace IS 'whose it is; a link of a workspace that the configuration does not have leads nowhere';

-- Calls and messages of numbers that are left out ([sync] numbers, ignore).
ALTER TABLE resource ADD COLUMN ignored boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN resource.ignored IS 'it gets no page: [sync] numbers or ignore leave out its number';
CREATE VIEW v_ignored AS
SELECT workspace, kind, id AS resource_id,
       (facts ->> 'createdAt')::timestamptz AS created_at, changed_at
  FROM resource WHERE ignored;
COMMENT ON VIEW v_ignored IS 'calls and messages that are stored but get no page, for [sync] numbers or ignore leave out their number';
COMMENT ON COLUMN v_ignored.workspace IS 'whose it is; ''default'' unless there are several';
COMMENT ON COLUMN v_ignored.kind IS 'call or message';
COMMENT ON COLUMN v_ignored.resource_id IS 'OpenPhone''s id of the call or message';
COMMENT ON COLUMN v_ignored.created_at IS 'when it began or was sent, by OpenPhone''s clock';
COMMENT ON COLUMN v_ignored.changed_at IS 'when we last learned something of it';
CREATE INDEX resource_ignored ON resource (workspace) WHERE ignored;
