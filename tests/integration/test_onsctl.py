"""onsctl: what an operator does by hand."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from conftest import PSQL, Stack, clean_environment, psql, title, until

import deliver

pytestmark = pytest.mark.sanitize

EX_USAGE, EX_DATAERR, EX_UNAVAILABLE = 64, 65, 69


def notion_requests(stack: Stack) -> list[dict[str, Any]]:
    with open(stack.env["SANDBOX_RECORD"], encoding="utf-8") as record:
        return [line for line in map(json.loads, record)
                if line["service"] == "notion"]


def destinations(stack: Stack) -> list[dict[str, Any]]:
    return stack.rows("SELECT kind, database_id, data_source_id, style"
                      " FROM destination ORDER BY kind")


@pytest.mark.parametrize("command", [
    ("--json", "config"), ("config",), ("check-config",), ("jobs",),
    ("--json", "jobs"), ("status",), ("--json", "status")])
def test_what_cannot_be_written(stack: Stack, command: tuple[str, ...]) -> None:
    """Nobody is to take an empty file for the result."""
    with open("/dev/full", "wb") as full:
        child = stack.start("onsctl", *command, stdout=full)
        _, err = child.communicate(timeout=60)
    assert child.returncode == EX_DATAERR
    assert err == b"onsctl: cannot write the output: No space left on device\n"


def test_migrate_again_does_nothing(stack: Stack) -> None:
    assert "up to date" in stack.run("onsctl", "migrate").stdout


def test_every_table_and_column_of_a_view_is_explained(stack: Stack) -> None:
    """psql's \\d+ tells what everything is for."""
    bare = stack.rows("""SELECT relname FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind IN
              ('r', 'p', 'v') AND NOT relispartition
          AND obj_description(oid) IS NULL""")
    assert bare == []
    bare = stack.rows("""SELECT relname, attname
        FROM pg_class c JOIN pg_attribute a ON attrelid = c.oid
        WHERE relnamespace = 'public'::regnamespace AND relkind IN
              ('r', 'p', 'v') AND NOT relispartition
          AND attnum > 0 AND NOT attisdropped
          AND col_description(c.oid, attnum) IS NULL""")
    assert bare == []


def test_init_again_adopts_what_is_there(stack: Stack) -> None:
    before, seen = destinations(stack), len(notion_requests(stack))
    assert [row["kind"] for row in before] == ["call", "message"]
    done = stack.run("onsctl", "init", "--parent",
                     stack.env["NOTION_PARENT_PAGE"])
    assert before == destinations(stack)
    for row in before:
        assert row["database_id"] in done.stdout
    asked = {(line["method"], line["path"].split("?")[0])
             for line in notion_requests(stack)[seen:]}
    assert not [path for method, path in asked if method != "GET"]


def test_init_adopts_a_database_that_a_person_made(
        stack: Stack, keep_destinations: None) -> None:
    """Other columns, other types: what fits is used, the rest is said."""
    made = stack.control("POST", "/notion/databases", {
        "title": "My calls", "properties": {
            "What": {"title": {}}, "OpenPhone ID": {"rich_text": {}},
            "Duration": {"rich_text": {}}, "Notes": {"rich_text": {}},
            "Outcome": {"select": {"options": []}}}})
    for given in (made["database_id"], made["url"],
                  made["database_id"].replace("-", "")):
        done = stack.run("onsctl", "init", "--calls", given)
        [call] = [row for row in destinations(stack) if row["kind"] == "call"]
        assert call["database_id"] == made["database_id"]
        assert call["data_source_id"] == made["data_source_id"]
        assert "Talk time" in done.stdout  # a column that is not there

    event = stack.load("2026-03-30/call.completed", stack.fresh())
    stack.send(event)
    stack.process()
    page = stack.page(deliver.resource_id(event))
    assert page["data_source_id"] == made["data_source_id"]
    assert title(page)
    assert page["properties"]["Duration"]["rich_text"][0]["plain_text"]
    assert page["properties"]["Notes"]["rich_text"] == []


def test_init_with_the_original_projects_columns(
        stack: Stack, tmp_path: Path, keep_destinations: None) -> None:
    psql(stack.env, "DELETE FROM destination;")
    config = stack.variant(tmp_path, notion__schema="original")
    stack.run("onsctl", "init", config=config)
    assert {row["style"] for row in destinations(stack)} == {"original"}
    events = [stack.load(f"2026-03-30/{name}", stack.fresh())
              for name in ("call.completed", "message.received")]
    stack.send(*events)
    stack.run("ons-process", "--drain", config=config)
    for event, count in zip(events, (29, 16)):
        page = stack.page(deliver.resource_id(event))
        assert title(page) == deliver.resource_id(event)
        assert len(page["properties"]) == count


def test_init_refuses_what_it_cannot_use(stack: Stack,
                                         keep_destinations: None) -> None:
    before = destinations(stack)
    unshared = stack.control("POST", "/notion/databases", {
        "title": "Private", "shared": False,
        "properties": {"Name": {"title": {}}}})
    for given, words in (("nonsense", "nonsense"),
                         (stack.env["NOTION_PARENT_PAGE"], "database"),
                         (unshared["database_id"], "shared")):
        done = stack.run("onsctl", "init", "--calls", given, expect=None)
        assert done.returncode not in (0, EX_USAGE)
        assert words in done.stderr.lower()
        assert done.stderr.count("\n") == 1
    assert destinations(stack) == before


def test_a_refused_notion_key_says_what_to_do(stack: Stack) -> None:
    done = stack.run("onsctl", "init", env={"NOTION_API_KEY": "ntn_wrong"},
                     expect=None)
    assert done.returncode != 0
    assert "401" in done.stderr and "notion" in done.stderr
    assert "ntn_wrong" not in done.stderr


@pytest.mark.parametrize("args, kind", [
    ([], "call"), (["--legacy"], "call"),
    (["--type", "message.received"], "message"),
    (["--type", "message.received", "--legacy"], "message")])
def test_send_test_makes_a_page(stack: Stack, args: list[str],
                                kind: str) -> None:
    done = stack.run("onsctl", "--json", "send-test", *args)
    sent = json.loads(done.stdout)
    assert sent["status"] == 200
    stack.process()
    [row] = stack.rows("SELECT * FROM v_events WHERE resource_id = :'id'",
                       id=sent["resource_id"])
    assert (row["kind"], row["outcome"]) == (kind, "done")
    assert title(stack.page(sent["resource_id"]))


def test_send_test_tells_of_a_refusal(stack: Stack, tmp_path: Path) -> None:
    config = stack.variant(tmp_path, webhook__legacy_keys=(
        "R2ZLM2o0bFhBNVpyUnU2NG9mYXQ1MHNyR3pvSUhIVVg="))
    stored = stack.count()
    done = stack.run("onsctl", "send-test", "--legacy", config=config,
                     expect=EX_UNAVAILABLE)
    assert "401" in done.stderr
    done = stack.run("onsctl", "send-test", "--url",
                     stack.url + "/elsewhere", expect=EX_UNAVAILABLE)
    assert "404" in done.stderr
    done = stack.run("onsctl", "send-test", "--url",
                     "http://127.0.0.1:1/webhooks/openphone", expect=None)
    assert done.returncode not in (0, EX_USAGE)
    done = stack.run("onsctl", "send-test", "--type", "call.imagined",
                     expect=None)
    assert "message.received" in done.stderr  # what it can send
    assert stack.count() == stored


def test_show(stack: Stack) -> None:
    suffix = stack.fresh()
    events = [stack.load(f"2026-03-30/{name}", suffix) for name in
              ("call.completed", "call.transcript.completed",
               "call.summary.completed")]
    stack.send(*events)
    stack.process()
    key = deliver.resource_id(events[0])
    shown = stack.run("onsctl", "show", key).stdout
    assert key in shown and "Transcript" in shown
    resource = events[1]["data"]["resource"]
    # lines are broken to the terminal's width
    flat = re.sub(r"\s+", " ", shown)
    for line in resource["dialogue"]:
        assert line["content"] in flat
    [row] = stack.rows("SELECT * FROM v_pages WHERE resource_id = :'id'",
                       id=key)
    for name in (row["page_id"], row["url"]):
        assert stack.run("onsctl", "show", name).stdout == shown
    done = stack.run("onsctl", "show", "ACnobody", expect=None)
    assert done.returncode != 0 and "ACnobody" in done.stderr


def test_status_and_jobs(stack: Stack) -> None:
    stack.process()
    assert "none unfinished" in stack.run("onsctl", "status").stdout
    assert "no unfinished jobs" in stack.run("onsctl", "jobs").stdout
    event = stack.load("2026-03-30/call.completed", stack.fresh())
    stack.send(event)
    key = deliver.resource_id(event)
    assert "1 due" in stack.run("onsctl", "status").stdout
    assert key in stack.run("onsctl", "jobs").stdout
    shown = json.loads(stack.run("onsctl", "--json", "jobs").stdout)
    assert [job["resource_id"] for job in shown["jobs"]] == [key]
    json.loads(stack.run("onsctl", "--json", "status").stdout)
    assert "no dead jobs" in stack.run("onsctl", "jobs", "--dead").stdout
    stack.process()
    assert "none unfinished" in stack.run("onsctl", "status").stdout


def test_a_permanent_failure_is_shown_with_its_reason(stack: Stack) -> None:
    """Notion refuses; the job is dead at once and says why; a later event
    revives it."""
    suffix = stack.fresh()
    event = stack.load("2026-03-30/call.completed", suffix)
    key = deliver.resource_id(event)
    stack.control("POST", "/faults", {
        "service": "notion", "method": "POST", "path": r"/v1/pages(\?|$)",
        "times": -1, "status": 400, "body": {
            "object": "error", "status": 400, "code": "validation_error",
            "message": "body failed for a test"}})
    stack.send(event)
    stack.run("ons-process", "--drain", expect=None)
    stack.control("DELETE", "/faults")
    [job] = stack.rows("SELECT * FROM v_jobs WHERE resource_id = :'id'",
                       id=key)
    assert job["state"] == "dead"
    assert "body failed for a test" in job["last_error"]
    assert key in stack.run("onsctl", "jobs", "--dead").stdout
    assert "1 dead" in stack.run("onsctl", "status").stdout
    assert stack.rows("SELECT outcome FROM v_events WHERE resource_id ="
                      " :'id'", id=key) == [{"outcome": "failed"}]
    stack.send(stack.load("2026-03-30/call.summary.completed", suffix))
    stack.process()
    assert stack.rows("SELECT * FROM v_jobs") == []
    assert title(stack.page(key))


def test_init_ends_the_wait_for_a_person(stack: Stack) -> None:
    """A refused key pauses the workspace, and init by the right one does not
    wait for that to end."""
    event = stack.load("2026-03-30/message.received", stack.fresh())
    stack.send(event)
    done = stack.run("ons-process", "--drain",
                     env={"NOTION_API_KEY": "ntn_wrong"})
    assert "401" in done.stderr
    [job] = stack.rows("SELECT * FROM v_jobs WHERE resource_id = :'id'",
                       id=event["data"]["resource"]["id"])
    assert (job["state"], job["error_kind"]) == ("waiting", "operator")
    assert job["attempts"] == 0
    stack.process()  # nothing is claimed: the workspace is paused
    assert stack.rows("SELECT FROM v_troubles WHERE next_at > now()")
    assert "TROUBLE     notion" in stack.run("onsctl", "status").stdout
    stack.run("onsctl", "init")
    stack.process()
    assert stack.page(event["data"]["resource"]["id"])


def test_a_statement_given_up_ends_in_the_server(
        stack: Stack, tmp_path: Path) -> None:
    """It would go on there for as long as it takes, were there no limit."""
    config = stack.variant(tmp_path, database__timeout="1s")
    held = subprocess.Popen(
        [PSQL, "-Xq"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env=clean_environment(**{name: value for name, value
                                 in stack.env.items()
                                 if name.startswith("PG")}))
    assert held.stdin and held.stdout
    with held:
        held.stdin.write("BEGIN; LOCK TABLE event; \\echo locked\n")
        held.stdin.flush()
        assert held.stdout.readline() == "locked\n"
        done = stack.run("onsctl", "status", config=config, expect=75)
        assert "no answer in 1000 ms" in done.stderr
        until(lambda: not stack.rows(
            "SELECT FROM pg_stat_activity WHERE application_name = 'onsctl'"
            "   AND state = 'active'"))
        held.stdin.write("ROLLBACK;\n")
        held.stdin.close()
