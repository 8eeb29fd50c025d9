-- 0 when nothing was ever applied
SELECT coalesce(max(version), 0) AS version FROM migration
