-- wakes idle workers; on its own, never in the storing transaction, where it
-- would take a global lock at commit
SELECT pg_notify('ons_job', '')
