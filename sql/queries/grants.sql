-- What each role may do; run at the end of every migration. Roles that do
-- not exist are passed over: a small set-up may use the owner for everything.
DO $$
DECLARE
	views constant text[] := ARRAY['v_events', 'v_calls', 'v_messages',
		'v_jobs', 'v_failures', 'v_pages', 'v_media', 'v_troubles',
		'v_backfills', 'v_missed', 'v_events_daily', 'v_latency',
		'v_usage', 'v_storage', 'v_story', 'v_ignored', 'v_alerts'];
	-- what people said or wrote; titles, and the addresses that are made of
	-- them, have its first words
	said constant text[] := ARRAY['text', 'voicemail_text', 'summary',
		'next_steps', 'transcripts', 'title', 'url', 'page_url',
		'doubles'];
	name text;
BEGIN
	-- these two run with the owner's rights
	REVOKE EXECUTE ON FUNCTION event_store, partitions_ahead FROM public;
	IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'ons_webhook') THEN
		GRANT EXECUTE ON FUNCTION event_store TO ons_webhook;
	END IF;
	IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'ons_process') THEN
		GRANT SELECT ON event, event_body, migration, forgotten,
			forgetting_salt TO ons_process;
		GRANT SELECT, INSERT, UPDATE, DELETE ON resource, job, job_done, attempt,
			run, last_run, destination, page, media, directory,
			contact_number, bucket, usage, trouble, alert TO ons_process;
		GRANT SELECT, INSERT, UPDATE ON backfill, backfill_slice, chore
			TO ons_process;
		-- event_store: what was spooled
		GRANT EXECUTE ON FUNCTION event_store, job_due, job_finish, job_next,
			bucket_take, bucket_pause, trouble_wait, trouble_met, trouble_ended,
			partitions_ahead, incarnation, alert_look TO ons_process;
	END IF;
	IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'ons_portal') THEN
		GRANT SELECT ON v_links TO ons_portal;
		-- it had them all once, and faces the internet
		FOREACH name IN ARRAY views LOOP
			EXECUTE format('REVOKE SELECT ON %I FROM ons_portal', name);
		END LOOP;
	END IF;
	IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'ons_reader') THEN
		FOREACH name IN ARRAY views LOOP
			EXECUTE (SELECT format('GRANT SELECT (%s) ON %I TO ons_reader',
					string_agg(quote_ident(attname), ', '), name)
				   FROM pg_attribute
				  WHERE attrelid = name::regclass AND attnum > 0
				    AND attname <> ALL (said));
		END LOOP;
	END IF;
END
$$
