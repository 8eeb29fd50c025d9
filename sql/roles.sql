-- Roles of the four programs, and one for people who look at the views. Run by
-- an administrator, again after an update that adds one:
--
--     psql -f roles.sql postgres
--     createdb --owner=ons ons
--     onsctl migrate
--
-- Passwords, where peer authentication does not do: ALTER ROLE ... PASSWORD.
DO $$
DECLARE
	name text;
BEGIN
	FOREACH name IN ARRAY ARRAY['ons', 'ons_webhook', 'ons_process', 'ons_portal'] LOOP
		IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
			EXECUTE format('CREATE ROLE %I LOGIN', name);
		END IF;
		-- a 2xx means stored, whatever the server's default is
		EXECUTE format('ALTER ROLE %I SET synchronous_commit = on', name);
	END LOOP;
	IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'ons_reader') THEN
		CREATE ROLE ons_reader NOLOGIN;
	END IF;
END
$$;
COMMENT ON ROLE ons IS 'openphone-notion-sync: owner of the tables (onsctl)';
COMMENT ON ROLE ons_webhook IS 'openphone-notion-sync: may store deliveries, and nothing else';
COMMENT ON ROLE ons_process IS 'openphone-notion-sync: works the queue';
COMMENT ON ROLE ons_portal IS 'openphone-notion-sync: looks links up, and nothing else';
COMMENT ON ROLE ons_reader IS 'openphone-notion-sync: GRANT ons_reader TO ... lets somebody read the views, without what was said or written';
