-- What is asked again and again must cost the same however much is stored.

-- When a workspace's last delivery came in, also that of one that has had none
-- for long, and what came in today. (A BRIN index knows no workspaces, and
-- nothing any more where rows go and others take their place.)
DROP INDEX event_by_time;
CREATE INDEX event_by_time ON event (workspace, received_at);
COMMENT ON INDEX event_by_time IS 'the last delivery, those of today, those that are over';

CREATE INDEX page_by_creation ON page (workspace, created_at)
	WHERE state = 'written';
COMMENT ON INDEX page_by_creation IS 'for onsctl status and doctor: the last page, those of today';

CREATE INDEX media_by_time ON media (workspace, stored_at);
COMMENT ON INDEX media_by_time IS 'for onsctl doctor: the last link, and what was refused of late';

-- A backlog may be long; what was given up is few.
CREATE INDEX job_dead ON job (workspace, kind) WHERE dead;
COMMENT ON INDEX job_dead IS 'for alerts and onsctl doctor, which count them';

CREATE INDEX finding_by_resource ON finding (workspace, kind, resource_id);
COMMENT ON INDEX finding_by_resource IS 'is there one of a resource already?';
CREATE INDEX finding_open ON finding (workspace, kind, what, page_id)
	WHERE repaired_at IS NULL;
COMMENT ON INDEX finding_open IS 'the next ones to be repaired, past those that are';

-- Else what was appended since the last vacuum is read whole, each time.
ALTER INDEX job_done_by_time SET (autosummarize = on);
ALTER INDEX attempt_by_time SET (autosummarize = on);
