-- $1 run id of a worker that is gone: its jobs fall due at once
UPDATE job SET lease_until = NULL, lease_by = NULL WHERE lease_by = $1::bigint
