-- The same for what was just found, before it is gone through.
ANALYZE finding
