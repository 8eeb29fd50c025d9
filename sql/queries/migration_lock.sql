-- held until the transaction ends: two administrators cannot migrate at once
SELECT pg_advisory_xact_lock(hashtext('openphone-notion-sync.migrate'))
