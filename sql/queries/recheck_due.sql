-- Resources whose missing parts are to be asked for again become due. Those
-- with a job are passed over: it will look, or a person must (it is dead), or it
-- is of a workspace that was taken out. However many they are, the others have
-- their turn. Sorted as event_store() sorts them.
INSERT INTO job (workspace, kind, resource_id, priority)
SELECT workspace, kind, id, 10
  FROM (SELECT workspace, kind, id FROM resource r
	 WHERE recheck_at <= now()
	   AND NOT EXISTS (SELECT FROM job j
		WHERE (j.workspace, j.kind, j.resource_id)
		    = (r.workspace, r.kind, r.id))
	 ORDER BY recheck_at LIMIT 500) due
 ORDER BY workspace, kind, id
ON CONFLICT (workspace, kind, resource_id) DO NOTHING
