-- Workers are a workspace's own: what is due in another one is not even passed
-- over, however much that is.
DROP INDEX job_due;
CREATE INDEX job_due ON job (workspace, priority, run_at, id) WHERE NOT dead;
