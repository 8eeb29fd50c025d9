-- What runs with the owner's rights must not take its caller's temporary tables
-- for ours, with triggers that would run with those rights, too: they are looked
-- for first, unless pg_temp is named. (Until the migration ends this changes
-- nothing else: what is made is made in the first schema.)
SELECT set_config('search_path', current_setting('search_path') || ', pg_temp',
	true);
ALTER FUNCTION event_store SET search_path FROM CURRENT;
ALTER FUNCTION partitions_ahead SET search_path FROM CURRENT;
