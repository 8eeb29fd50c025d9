"""The views for people: their numbers over a small history that is known, and
who may read them."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from conftest import TOP, Stack, psql

GRANTS = (TOP / "sql/queries/grants.sql").read_text()
OVERVIEW_7 = (TOP / "man/openphone-notion-sync.7").read_text()
VIEWS = re.findall(r"'(v_\w+)'", GRANTS)
SAID = set(re.findall(
    r"'(\w+)'", GRANTS[GRANTS.index("said constant"):GRANTS.index("name text")]))
SECRET = "heliotrope"  # in whatever people said or wrote

# Workspace "v"; inserted in a transaction that is rolled back. Latencies are
# those of 100 messages of 2026-03-04: 1 s, 2 s, ... 100 s.
HISTORY = f"""
BEGIN;
SET LOCAL timezone = 'UTC';
INSERT INTO event (workspace, delivery_key, type, generation, kind,
	resource_id, occurred_at, received_at, note)
VALUES
('v', '1', 'call.ringing', 3, 'call', 'ACtest1', '2026-03-02 23:29:59Z',
	'2026-03-02 23:30:00Z', NULL),
('v', '2', 'call.completed', 3, 'call', 'ACtest1', '2026-03-02 23:30:59Z',
	'2026-03-02 23:31:00Z', 'mended'),
('v', '3', 'call.completed', 3, 'call', 'ACtest2', NULL,
	'2026-03-02 10:00:00Z', NULL),
('v', '4', 'call.completed', 3, 'call', 'ACtest3', NULL,
	'2026-03-02 11:00:00Z', NULL),
('v', '5', 'message.received', 3, 'message', 'ACtest4', NULL,
	'2026-03-02 12:00:00Z', NULL),
('v', '6', 'message.received', 3, 'message', 'ACtest5', NULL,
	'2026-03-02 13:00:00Z', NULL),
('v', '7', 'task.created', 3, 'task', NULL, NULL, '2026-03-02 14:00:00Z',
	'tasks have no page'),
('v', '8', NULL, 0, 'other', NULL, NULL, '2026-03-03 14:00:00Z', 'unknown');
INSERT INTO event (workspace, delivery_key, type, generation, kind,
	resource_id, received_at)
SELECT 'v', 'm' || n, 'message.received', 3, 'message', 'ACtestm' || n,
       '2026-03-04 09:00:00Z'
  FROM generate_series(1, 100) n;
INSERT INTO page (workspace, kind, resource_id, state, page_id, created_at)
SELECT 'v', 'message', 'ACtestm' || n, 'written', 'm' || n,
       '2026-03-04 09:00:00Z'::timestamptz + n * interval '1 s'
  FROM generate_series(1, 100) n;
INSERT INTO page (workspace, kind, resource_id, state, page_id, url, title,
	intent_at, created_at, written_at)
VALUES
('v', 'call', 'ACtest1', 'written', '12345678-0000-0000-0000-9abcdef00000',
	'https://www.notion.so/{SECRET}-12', '{SECRET}', '2026-03-02 23:30:05Z',
	'2026-03-02 23:30:06Z', '2026-03-02 23:31:06Z'),
-- a backfill made it before its delivery came
('v', 'call', 'ACtest2', 'written', 'p2', NULL, NULL, '2026-03-01 10:00:00Z',
	'2026-03-01 10:00:01Z', '2026-03-01 10:00:01Z'),
-- and this one had no delivery
('v', 'call', 'ACtest6', 'written', 'p6', NULL, NULL, '2026-03-01 10:00:00Z',
	'2026-03-01 10:00:02Z', '2026-03-01 10:00:02Z'),
('v', 'call', 'ACtest3', 'intent', NULL, NULL, NULL, '2026-03-02 11:00:05Z',
	NULL, NULL);
INSERT INTO resource (workspace, kind, id, facts, times, outcome, recheck_at)
SELECT 'v', kind, id, facts::jsonb, '{{}}', outcome, recheck_at::timestamptz
  FROM (VALUES
('call', 'ACtest1', 'missed', '2026-03-03 00:00:00Z', '{{"from": "+15550001111",
	"to": "+15550002222", "createdAt": "2026-03-02T23:30:00Z",
	"summary": {{"summary": ["{SECRET}"], "nextSteps": ["{SECRET}"]}},
	"transcripts": {{"call": {{"dialogue": [{{"content": "{SECRET}"}}]}}}}}}'),
('call', 'ACtest2', 'voicemail', NULL, '{{"to": "+15550002222",
	"createdAt": "2026-03-02T10:00:00Z",
	"voicemail": {{"from": "+15550003333", "transcript": "{SECRET}"}}}}'),
('call', 'ACtest6', 'answered', NULL, '{{"createdAt": "2026-03-02T10:00:00Z"}}'),
('message', 'ACtest4', NULL, NULL, '{{"text": "{SECRET}",
	"from": "+15550001111", "createdAt": "2026-03-02T12:00:00Z"}}')
  ) r (kind, id, outcome, recheck_at, facts);
INSERT INTO directory (workspace, kind, id, name)
VALUES ('v', 'contact', 'c1', 'Ann Lee');
INSERT INTO contact_number VALUES ('v', '+15550001111', 'c1');
INSERT INTO attempt (at, workspace, kind, resource_id, attempt, error_kind,
	error, run)
VALUES ('2026-03-02 23:30:03Z', 'v', 'call', 'ACtest1', 1, 'retry',
	'Notion: 503 for 123456', 1),
('2026-03-02 23:30:04Z', 'v', 'call', 'ACtest1', 2, 'retry',
	'Notion: 503 for 654321', 1),
('2026-03-02 12:00:04Z', 'v', 'message', 'ACtest4', 1, 'permanent',
	'Notion: refused', 1);
INSERT INTO job (workspace, kind, resource_id, dead, run_at, attempts,
	last_error, error_kind)
VALUES ('v', 'call', 'ACtest3', false, '2026-03-02 11:00:05Z', 0, NULL, NULL),
('v', 'call', 'ACtest1', true, '2026-03-02 23:32:00Z', 3, 'refused',
	'permanent');
INSERT INTO job_done (finished_at, workspace, kind, resource_id, attempts,
	due_at, outcome, last_error)
VALUES ('2026-03-02 13:00:09Z', 'v', 'message', 'ACtest5', 5,
	'2026-03-02 13:00:00Z', 'discarded', 'too odd'),
('2026-03-02 12:00:09Z', 'v', 'message', 'ACtest4', 1,
	'2026-03-02 12:00:00Z', 'done', NULL);
INSERT INTO media (workspace, kind, resource_id, slot, state, reason, key,
	size, type, stored_at)
VALUES ('v', 'call', 'ACtest1', 'recordings/r1', 'stored', NULL, 'k1', 1000,
	'audio/mpeg', '2026-03-02 23:31:03Z'),
('v', 'call', 'ACtest2', 'recordings/r2', 'stored', NULL, 'k2', 500,
	'audio/mpeg', '2026-03-31 23:59:59Z'),
('v', 'call', 'ACtest2', 'voicemail', 'stored', NULL, 'k3', 10, 'audio/mpeg',
	'2026-04-01 00:00:00Z'),
('v', 'call', 'ACtest1', 'recordings/r3', 'refused', 'too large', NULL, NULL,
	NULL, '2026-03-02 23:31:04Z');
INSERT INTO usage VALUES ('v', 'notion', '2026-03-02', 7),
	('v', 'openphone', '2026-03-02', 3);
"""


def in_history(stack: Stack, *statements: str) -> str:
    """What psql says to them, over the history; as the administrator, who may
    take any role."""
    return psql({**stack.env, "PGUSER": "postgres"}, HISTORY + ";\n".join(statements) + ";\nROLLBACK;")


def ask(stack: Stack, select: str, zone: str = "UTC") -> list[Any]:
    """A SELECT's rows over the history, as tuples."""
    said = in_history(
        stack, f"SET LOCAL timezone = '{zone}'",
        f"SELECT coalesce(json_agg(to_json(q)), '[]') FROM ({select}) q")
    return [tuple(row.values()) for row in json.loads(said)]


def refused(stack: Stack, role: str, statement: str) -> None:
    with pytest.raises(AssertionError, match="permission denied for "):
        in_history(stack, f"SET LOCAL ROLE {role}", statement)


# ---- what they say ----

def test_missed_calls_by_the_readers_day(stack: Stack) -> None:
    select = """SELECT day, call_id, outcome, from_number, name, to_number, link
	FROM v_missed WHERE workspace = 'v' ORDER BY call_id"""
    one = ("ACtest1", "missed", "+15550001111", "Ann Lee", "+15550002222",
           "https://www.notion.so/123456780000000000009abcdef00000")
    two = ("ACtest2", "voicemail", "+15550003333", None, "+15550002222",
           "https://www.notion.so/p2")
    assert ask(stack, select) == [("2026-03-02", *one), ("2026-03-02", *two)]
    assert ask(stack, select, "Europe/Berlin") == [
        ("2026-03-03", *one), ("2026-03-02", *two)]


def test_deliveries_by_day_and_type(stack: Stack) -> None:
    """Events, succeeded, failed, waiting, ignored."""
    assert ask(stack, """SELECT day, type, events, succeeded, failed, waiting,
		ignored FROM v_events_daily WHERE workspace = 'v'
		ORDER BY day, type""") == [
        ("2026-03-02", "call.completed", 3, 1, 1, 1, 0),
        ("2026-03-02", "call.ringing", 1, 0, 1, 0, 0),
        ("2026-03-02", "message.received", 2, 1, 1, 0, 0),
        ("2026-03-02", "task.created", 1, 0, 0, 0, 1),
        ("2026-03-03", None, 1, 0, 0, 0, 1),
        ("2026-03-04", "message.received", 100, 100, 0, 0, 0)]


def test_latency(stack: Stack) -> None:
    """In seconds; only of pages that a delivery brought about."""
    assert ask(stack, """SELECT day, kind, pages,
		extract(epoch FROM p50)::float AS p50,
		extract(epoch FROM p95)::float AS p95,
		extract(epoch FROM p99)::float AS p99,
		extract(epoch FROM longest)::float AS longest
		FROM v_latency WHERE workspace = 'v' ORDER BY day""") == [
        ("2026-03-02", "call", 1, 6, 6, 6, 6),
        ("2026-03-04", "message", 100, 50.5, 95.05, 99.01, 100)]


def test_failures_by_reason(stack: Stack) -> None:
    assert ask(stack, """SELECT kind, error_kind, reason, attempts, resources,
		dead FROM v_failures WHERE workspace = 'v' ORDER BY kind""") == [
        ("call", "retry", "Notion: 503 for ...", 2, 1, 1),
        ("message", "permanent", "Notion: refused", 1, 1, 0)]


def test_requests_by_service(stack: Stack) -> None:
    assert ask(stack, "SELECT day, service, requests FROM v_usage"
               " WHERE workspace = 'v' ORDER BY service") == [
        ("2026-03-02", "notion", 7), ("2026-03-02", "openphone", 3)]


def test_storage_by_month(stack: Stack) -> None:
    select = """SELECT month, what, files, bytes FROM v_storage
	WHERE workspace = 'v' ORDER BY month, what"""
    assert ask(stack, select) == [("2026-03-01", "recordings", 2, 1500),
                                  ("2026-04-01", "voicemail", 1, 10)]
    assert ask(stack, select, "Europe/Berlin") == [
        ("2026-03-01", "recordings", 1, 1000),
        ("2026-04-01", "recordings", 1, 500),
        ("2026-04-01", "voicemail", 1, 10)]


def story(stack: Stack, resource_id: str) -> list[Any]:
    return ask(stack, f"""SELECT to_char(at, 'HH24:MI:SS'), what, detail
	FROM v_story WHERE resource_id = '{resource_id}' AND workspace = 'v'
	ORDER BY at""")


def test_a_calls_story(stack: Stack) -> None:
    assert story(stack, "ACtest1") == [
        ("23:30:00", "event", "call.ringing of 2026-03-02 23:29:59"),
        ("23:30:03", "attempt", "1, retry: Notion: 503 for 123456"),
        ("23:30:04", "attempt", "2, retry: Notion: 503 for 654321"),
        ("23:30:06", "page", "created, 12345678-0000-0000-0000-9abcdef00000"),
        ("23:31:00", "event", "call.completed of 2026-03-02 23:30:59; mended"),
        ("23:31:03", "file",
         "recordings/r1 stored, audio/mpeg, 1000 bytes"),
        ("23:31:04", "file", "recordings/r3 refused, too large"),
        ("23:31:06", "page", "last written to"),
        ("23:32:00", "job", "dead, 3 attempts, permanent: refused"),
        ("00:00:00", "recheck", "OpenPhone is asked for what may still come")]


def test_stories_of_what_came_to_nothing_yet(stack: Stack) -> None:
    assert story(stack, "ACtest3") == [
        ("11:00:00", "event", "call.completed"),
        ("11:00:05", "page", "about to be created"),
        ("11:00:05", "job", "due")]
    assert story(stack, "ACtest5") == [
        ("13:00:00", "event", "message.received"),
        ("13:00:09", "discarded", "too odd")]
    assert [what for _, what, _ in story(stack, "ACtest6")] == ["page", "page"]


def test_a_story_is_found_by_indexes(stack: Stack) -> None:
    """Each table is read by one that begins with what is asked for."""
    said = in_history(
        stack, "SET LOCAL enable_seqscan = off",
        "EXPLAIN SELECT * FROM v_story WHERE resource_id = 'ACtest1'")
    assert "Seq Scan" not in said
    for name in ("resource_by_id", "event_by_resource"):
        assert re.search(rf"{name}\b[^>]*Index Cond: \(.*id = 'ACtest1'",
                         said), said


# ---- who may read them ----

def readable(stack: Stack, view: str) -> str:
    rows = stack.rows("SELECT attname FROM pg_attribute WHERE attnum > 0"
                      " AND attrelid = :'view'::regclass", view=view)
    return ", ".join(row["attname"] for row in rows
                     if row["attname"] not in SAID)


def test_three_views_have_text(stack: Stack) -> None:
    """A reader may SELECT * from all others, as the manual says."""
    rows = stack.rows("SELECT DISTINCT relname FROM pg_class JOIN pg_attribute"
                      " ON attrelid = pg_class.oid WHERE attname = ANY"
                      " (string_to_array(:'said', ' ')) AND relname = ANY"
                      " (string_to_array(:'views', ' '))",
                      said=" ".join(SAID), views=" ".join(VIEWS))
    assert {row["relname"] for row in rows} == {
        "v_calls", "v_messages", "v_pages"}


def test_a_reader_sees_no_text(stack: Stack) -> None:
    """Of all views, every column that it may read."""
    assert len(VIEWS) >= 15
    said = in_history(
        stack, "SET LOCAL ROLE ons_reader",
        *(f"SELECT row_to_json(q) FROM (SELECT {readable(stack, view)}"
          f" FROM {view} WHERE workspace = 'v') q" for view in VIEWS))
    assert "+15550001111" in said and "Ann Lee" in said
    assert said.count("ACtest1") >= 10
    assert SECRET not in said


def test_the_history_has_text(stack: Stack) -> None:
    """Else the test above could not fail."""
    said = in_history(stack, *(
        f"SELECT row_to_json(q) FROM {view} q WHERE workspace = 'v'"
        for view in ("v_calls", "v_messages", "v_pages")))
    assert said.count(SECRET) >= 9


@pytest.mark.parametrize("what", [
    "text FROM v_messages", "* FROM v_messages", "transcripts FROM v_calls",
    "summary FROM v_calls", "next_steps FROM v_calls",
    "voicemail_text FROM v_calls", "title FROM v_pages", "url FROM v_pages",
    "page_url FROM v_messages", "token FROM v_links", "facts FROM resource",
    "body FROM event_body", "name FROM directory",
    "job_due('v', 'call', 'ACtest1', 0)",
    "event_store('{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}',"
    " '{}', '{}')"])
def test_a_reader_may_not_see(stack: Stack, what: str) -> None:
    refused(stack, "ons_reader", f"SELECT {what}")


@pytest.mark.parametrize("what", [
    "DELETE FROM v_jobs", "UPDATE v_media SET reason = ''",
    "INSERT INTO v_usage VALUES ('2026-03-02', 'v', 'x', 1)"])
def test_a_reader_may_not_write(stack: Stack, what: str) -> None:
    refused(stack, "ons_reader", what)


def test_text_when_it_is_granted(stack: Stack) -> None:
    said = in_history(stack, "GRANT SELECT ON v_messages TO ons_reader",
                      "SET LOCAL ROLE ons_reader",
                      "SELECT text FROM v_messages WHERE workspace = 'v'")
    assert said.strip() == SECRET


@pytest.mark.parametrize("view", VIEWS)
def test_the_portal_sees_links_only(stack: Stack, view: str) -> None:
    refused(stack, "ons_portal", f"SELECT workspace FROM {view}")


def test_the_portal_loses_what_it_had(stack: Stack) -> None:
    """Earlier versions let it see all views."""
    with pytest.raises(AssertionError, match="permission denied for view"):
        in_history(stack, "GRANT SELECT ON v_calls TO ons_portal", GRANTS,
                   "SET LOCAL ROLE ons_portal", "SELECT summary FROM v_calls")


def test_the_portal_sees_links(stack: Stack) -> None:
    in_history(stack, "SET LOCAL ROLE ons_portal",
               "SELECT token FROM v_links LIMIT 1")


# ---- the manual ----

def questions() -> dict[str, list[str]]:
    """The statements of the manual by the question that they answer."""
    part = OVERVIEW_7.partition(".Sh EXAMPLES")[2].partition("\n.Sh ")[0]
    heads = re.split(r"^\.Ss ", part, flags=re.M)[1:]
    return {head.partition("\n")[0]: [
        statement.strip() for block in re.findall(
            r"^\.Bd [^\n]*\n(.*?)^\.Ed", head, flags=re.M | re.S)
        for statement in re.split(r";\n| \\egx\n", block) if statement.strip()]
        for head in heads}


QUESTIONS = questions()
ADMINISTRATORS = "Who may read the views?"
OWNERS = ("What was said or written?",
          "For the owner: what is behind the views?")


def test_the_manual_asks_each_view() -> None:
    assert len(QUESTIONS) >= 9 and all(QUESTIONS.values())
    assert {ADMINISTRATORS, *OWNERS} < QUESTIONS.keys()
    asked = "\n".join(sum(QUESTIONS.values(), []))
    for view in ("v_missed", "v_events_daily", "v_latency", "v_failures",
                 "v_usage", "v_storage", "v_story"):
        assert re.search(rf"FROM {view}\b", asked), view


@pytest.mark.parametrize("question", QUESTIONS)
def test_who_may_ask(stack: Stack, question: str) -> None:
    """A reader may ask all but what is marked as the owner's."""
    statements = QUESTIONS[question]
    if question == ADMINISTRATORS:
        in_history(stack, *statements)
        return
    in_history(stack, "SET LOCAL ROLE ons", *statements)
    if question not in OWNERS:
        in_history(stack, "SET LOCAL ROLE ons_reader", *statements)
        return
    for statement in statements:
        refused(stack, "ons_reader", statement)
