-- what the role that asks may do: a row a right that a program needs; ask
-- is null where there is no such thing yet
SELECT * FROM (VALUES
	('webhook', 'store deliveries (event_store)',
	 has_function_privilege((SELECT oid FROM pg_proc
		WHERE proname = 'event_store' AND pg_function_is_visible(oid)
		LIMIT 1), 'EXECUTE')),
	('process', 'work on jobs (job)',
	 has_table_privilege(to_regclass('job'), 'SELECT')
	 AND has_table_privilege(to_regclass('job'), 'UPDATE')),
	('process', 'write down pages (page)',
	 has_table_privilege(to_regclass('page'), 'SELECT')
	 AND has_table_privilege(to_regclass('page'), 'INSERT')
	 AND has_table_privilege(to_regclass('page'), 'UPDATE')),
	('process', 'read deliveries (event_body)',
	 has_table_privilege(to_regclass('event_body'), 'SELECT')),
	('portal', 'look up links (v_links)',
	 has_table_privilege(to_regclass('v_links'), 'SELECT')))
	AS r (program, what, may)
