-- What runs with the owner's rights must not take its caller's temporary tables
-- for ours, with triggers that would run with those rights, too: they are looked
-- for first, unless pg_temp is named. (Until the migration ends this changes
-- nothing else: what is made is made in the first schema.)
SELECT set_config('search_path', current_setting('search_path') || ', pg_temp',
	true);
ALTER FUNCTION event_store SET search_path FROM CURRENT;
ALTER FUNCTION partitions_ahead SET search_path FROM CURRENT;

-- What is in these columns, too.
COMMENT ON COLUMN job.kind IS 'call, message or contact; backfill: a list to be read (see backfill_slice); probe: onsctl doctor''s, whether jobs are done';
COMMENT ON COLUMN v_jobs.kind IS 'call, message, contact, backfill or probe (onsctl doctor''s)';
COMMENT ON COLUMN job_done.kind IS 'call, message, contact, backfill or probe (onsctl doctor''s)';
COMMENT ON COLUMN job.priority IS 'lower goes first: -10 what needs no service, 0 live events, 10 re-checks, and what was listed or is repaired, 20 lists to be read, replay, relink';
COMMENT ON COLUMN v_jobs.priority IS '-10 what needs no service, 0 live events, 10 re-checks, and what was listed or is repaired, 20 lists to be read, replay, relink';
