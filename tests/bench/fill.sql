-- An installation of a year: :n deliveries, and all that came of them. Run by
-- a superuser, in an empty database of migrated tables:
--   psql -v n=1000000 -f fill.sql
-- Of eight deliveries in a row four are of one call and each other one of a
-- message. Most are of the workspace "default"; "second" had one in twenty until
-- half a year ago, "quiet" a few in the beginning. Texts are short: it is the
-- number of rows that matters here.
\set ON_ERROR_STOP on
SET session_replication_role = replica;
SET synchronous_commit = off;
SET timezone = 'UTC';
SET search_path = public;

-- Indexes are not kept up meanwhile, but built at the end.
CREATE TEMP TABLE filled (name) AS VALUES ('event'), ('resource'), ('page'),
	('media'), ('job_done'), ('attempt'), ('listing');

DO $$
DECLARE
	week timestamptz := date_trunc('week', now() - interval '53 weeks');
BEGIN
	WHILE week < date_trunc('week', now()) LOOP
		EXECUTE format('CREATE TABLE event_body_%s PARTITION OF event_body
			FOR VALUES FROM (%L) TO (%L)', to_char(week, 'IYYY"w"IW'), week,
			week + interval '1 week');
		EXECUTE format('ALTER TABLE event_body_%s OWNER TO %I',
			to_char(week, 'IYYY"w"IW'), (SELECT tableowner FROM pg_tables
				WHERE tablename = 'event_body'));
		week := week + interval '1 week';
	END LOOP;
END
$$;
INSERT INTO filled SELECT relname FROM pg_class
 WHERE relkind = 'r' AND relname LIKE 'event_body_%';
UPDATE pg_index SET indisready = false, indisvalid = false
 WHERE indrelid IN (SELECT name::regclass FROM filled);
\connect

SET session_replication_role = replica;
SET synchronous_commit = off;
SET timezone = 'UTC';
SET search_path = public;

CREATE FUNCTION pg_temp.workspace(n bigint, total bigint) RETURNS text
LANGUAGE sql IMMUTABLE RETURN CASE WHEN n < 4 THEN 'quiet'
	WHEN n % 20 = 7 AND n < total / 16 THEN 'second' ELSE 'default' END;
CREATE FUNCTION pg_temp.id(kind text, n bigint) RETURNS text LANGUAGE sql
IMMUTABLE RETURN CASE kind WHEN 'call' THEN 'ACfill' WHEN 'contact' THEN 'CTfill'
	ELSE 'MGfill' END || left(md5(kind || n), 26);
CREATE FUNCTION pg_temp.at(share float) RETURNS timestamptz LANGUAGE sql STABLE
RETURN now() - (1 - share) * interval '364 days';

INSERT INTO event (id, workspace, delivery_key, event_id, type, generation,
	kind, resource_id, occurred_at, received_at) OVERRIDING SYSTEM VALUE
SELECT g + 1, pg_temp.workspace(g / 8, :n), md5('d' || g), 'EV' || md5('e' || g),
       CASE g % 8 WHEN 0 THEN 'call.ringing' WHEN 1 THEN 'call.completed'
		WHEN 2 THEN 'call.recording.completed'
		WHEN 3 THEN 'call.summary.completed'
		ELSE 'message.received' END, 2,
       CASE WHEN g % 8 < 4 THEN 'call' ELSE 'message' END,
       CASE WHEN g % 8 < 4 THEN pg_temp.id('call', g / 8)
		ELSE pg_temp.id('message', g / 8 * 4 + g % 8 - 4) END,
       pg_temp.at(g / :n::float) - interval '2 s', pg_temp.at(g / :n::float)
  FROM generate_series(0, :n::bigint - 1) g;
SELECT setval(pg_get_serial_sequence('event', 'id'), :n) AS last \gset

INSERT INTO event_body (event_id, received_at, headers, body)
SELECT id, received_at, NULL, convert_to('{"object":{"type":"' || type
	|| '","data":{"object":{"id":"' || resource_id || '"}}}}', 'UTF8')
  FROM event;

-- calls and messages in the order in which they came
CREATE TEMP TABLE item AS
SELECT pg_temp.workspace(b, :n) AS workspace, k.kind,
       pg_temp.id(k.kind, CASE k.kind WHEN 'call' THEN b ELSE b * 4 + k.m END)
	AS id,
       CASE k.kind WHEN 'call' THEN ARRAY[8 * b + 1, 8 * b + 2, 8 * b + 3,
		8 * b + 4] ELSE ARRAY[8 * b + 5 + k.m] END AS events,
       pg_temp.at(8 * b / :n::float) AS at, b, b * 5 + k.m + 1 AS n
  FROM generate_series(0, :n::bigint / 8 - 1) b
 CROSS JOIN (VALUES ('call', -1), ('message', 0), ('message', 1),
	('message', 2), ('message', 3)) k (kind, m);

INSERT INTO resource (workspace, kind, id, facts, times, outcome, events,
	recheck_at, changed_at)
SELECT workspace, kind, id, jsonb_build_object('id', id, 'from',
	'+1555' || lpad((b % 20000)::text, 7, '0'), 'direction', 'incoming',
	'status', 'completed', 'phoneNumberId', 'PN' || b % 10,
	'createdAt', to_char(at, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')), '{}',
       CASE kind WHEN 'call' THEN 'answered' END, events,
       CASE WHEN n % 50001 = 0 THEN now() + interval '1 hour' END, at
  FROM item;
INSERT INTO resource (workspace, kind, id, facts, times, changed_at)
SELECT 'default', 'contact', pg_temp.id('contact', g), jsonb_build_object('id',
	pg_temp.id('contact', g), 'firstName', 'A', 'createdAt',
	'2025-01-01T00:00:00.000Z'), '{}', pg_temp.at(0)
  FROM generate_series(1, least(20000, :n / 10)) g;

INSERT INTO page (workspace, kind, resource_id, state, page_id, url, title,
	properties, data_source_id, intent_at, created_at, written_at)
SELECT workspace, kind, id, 'written', md5(n || 'p')::uuid,
       'https://notion.example/' || n, 'Call', '{"a": "0123456789abcdef"}',
       'source', at, at + interval '2 s', at + interval '9 s'
  FROM item;
INSERT INTO listing (workspace, kind, page_id, resource_id, created_at,
	archived, listed_at)
SELECT workspace, kind, md5(n || 'p')::uuid, id, at + interval '2 s', false,
       now()
  FROM item;
INSERT INTO upstream (workspace, kind, resource_id)
SELECT workspace, kind, id FROM item WHERE at > now() - interval '14 days';
INSERT INTO media (workspace, kind, resource_id, slot, state, reason, key,
	sha256, size, type, token, stored_at)
SELECT workspace, kind, id, 'recordings/RE' || n,
       CASE n % 1001 WHEN 1 THEN 'refused' ELSE 'stored' END,
       CASE n % 1001 WHEN 1 THEN 'it is too large' END, 'k/' || n || '.mp3',
       md5('s' || n), 100000, 'audio/mpeg',
       CASE WHEN n % 1001 <> 1 THEN md5('t' || n) END, at
  FROM item WHERE kind = 'call';

INSERT INTO job_done (finished_at, workspace, kind, resource_id, attempts,
	due_at, outcome)
SELECT at + interval '10 s', workspace, kind, id, 1, at,
       CASE WHEN n % 20001 = 0 THEN 'discarded' ELSE 'done' END
  FROM item;
INSERT INTO attempt (at, workspace, kind, resource_id, attempt, took,
	error_kind, error, host, run)
SELECT now() - (1 - n::float * 8 / 5 / :n) * interval '30 days', workspace,
       kind, id, 1, '1 s', 'retry', 'the service is busy', 'host', 1
  FROM item WHERE n % 51 = 0;
INSERT INTO job (workspace, kind, resource_id, priority, run_at, dead)
SELECT workspace, kind, id, CASE WHEN n % 3 = 0 THEN 0 ELSE 10 END, at,
       n % 7 = 0
  FROM item ORDER BY item.at DESC LIMIT 1000;
INSERT INTO finding (workspace, kind, what, side, resource_id, page_id)
SELECT workspace, kind, 'missing', 'notion', id, md5(n || 'p')::uuid
  FROM item WHERE n % 101 = 0;

INSERT INTO directory (workspace, kind, id, name, number)
SELECT 'default', 'contact', id, 'A', NULL FROM resource
 WHERE kind = 'contact';
INSERT INTO directory (workspace, kind, id, name, number)
SELECT 'default', CASE WHEN g <= 10 THEN 'number' ELSE 'user' END,
       CASE WHEN g <= 10 THEN 'PN' ELSE 'US' END || g, 'B', NULL
  FROM generate_series(1, 60) g;
INSERT INTO contact_number (workspace, number, contact_id)
SELECT 'default', '+1555' || lpad(g::text, 7, '0'), pg_temp.id('contact', g)
  FROM generate_series(1, least(20000, :n / 10)) g;
INSERT INTO usage (workspace, service, day, requests)
SELECT 'default', s, current_date - d, 1000
  FROM unnest('{notion,openphone}'::text[]) s, generate_series(0, 364) d
ON CONFLICT DO NOTHING;
INSERT INTO backfill (workspace, since, until, number, contact, surface)
VALUES ('default', pg_temp.at(0), now(), '', '{}', 'dated');
INSERT INTO backfill_slice (backfill_id, list, number, party, way, actor,
	since, until, progress)
SELECT 1, 'calls', 'PN1', '+1555' || g, '', '', pg_temp.at(0), now(), 'listed'
  FROM generate_series(1, 2000) g;
-- of what nothing is left
INSERT INTO forgetting (workspace, person, redacted, os_user, finished_at)
VALUES ('default', '{}', false, 'nobody', now());
INSERT INTO forgotten (digest, forgetting)
SELECT sha256(convert_to('f' || g, 'UTF8')), 1 FROM generate_series(1, 100) g;

SELECT format('REINDEX TABLE %s', indrelid::regclass)
  FROM (SELECT DISTINCT indrelid FROM pg_index WHERE NOT indisready) i \gexec
VACUUM (ANALYZE);
