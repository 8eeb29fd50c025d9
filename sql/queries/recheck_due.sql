-- Resources whose missing parts are to be asked for again become due. Those
-- with a job are left alone: it will look, or a person must (it is dead).
INSERT INTO job (workspace, kind, resource_id, priority)
SELECT workspace, kind, id, 10 FROM resource
 WHERE recheck_at <= now()
 ORDER BY recheck_at LIMIT 500
ON CONFLICT (workspace, kind, resource_id) DO NOTHING
