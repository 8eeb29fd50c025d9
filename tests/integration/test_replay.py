"""onsctl replay: the state is folded again from the stored events."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import deliver
import pytest
from conftest import Stack, psql, texts, title

pytestmark = pytest.mark.sanitize

EX_USAGE, EX_DATAERR = 64, 65
LIFE = tuple("2026-03-30/" + name for name in (
    "call.completed", "call.recording.completed",
    "call.transcript.completed", "call.summary.completed"))


def a_call(stack: Stack) -> str:
    suffix = stack.fresh()
    events = [stack.load(name, suffix) for name in LIFE]
    stack.send(*events)
    stack.process()
    return deliver.resource_id(events[0])


def state(stack: Stack, key: str) -> dict[str, Any]:
    [row] = stack.rows(
        "SELECT facts, times, events, outcome, refold FROM resource"
        " WHERE id = :'id'", id=key)
    return row


def replay(stack: Stack, *args: str) -> dict[str, Any]:
    done = stack.run("onsctl", "--json", "replay", *args)
    return json.loads(done.stdout)


def jobs(stack: Stack, key: str) -> list[dict[str, Any]]:
    return stack.rows("SELECT priority, dead FROM job"
                      " WHERE resource_id = :'id'", id=key)


def test_a_state_that_a_fault_spoilt_is_right_again(stack: Stack) -> None:
    key = a_call(stack)
    good, body = state(stack, key), texts(stack.page(key))
    psql(stack.env, """UPDATE resource SET outcome = 'missed',
        facts = facts - 'summary' || '{"duration": 7, "direction": "sideways"}'
        WHERE id = :'id';""", id=key)
    assert replay(stack, "--apply", key)["calls"] == 1
    assert jobs(stack, key) == [{"priority": 20, "dead": False}]
    stack.process()
    assert state(stack, key) == good
    assert texts(stack.page(key)) == body


def test_what_only_the_api_told_stays(stack: Stack) -> None:
    """OpenPhone has it no more; and a value of the API that is newer than
    the event's is no fault."""
    key = a_call(stack)
    psql(stack.env, """UPDATE resource SET facts = facts ||
        '{"voicemail": {"transcript": "call me"}, "duration": 99}',
        times = times || '{"voicemail/transcript": "2026-04-13T10:00:00.000Z",
                           "duration": "2999-01-01T00:00:00.000Z"}'
        WHERE id = :'id';""", id=key)
    known = state(stack, key)
    replay(stack, "--apply", key)
    stack.process()
    assert state(stack, key) == known


def test_what_is_asked_for_without_an_answer_is_not_asked_again(
        stack: Stack) -> None:
    """A message that the key does not show."""
    event = stack.load("v4/message.received", stack.fresh())
    key = deliver.resource_id(event)
    stack.send(event)
    stack.process()
    known = state(stack, key)
    assert known["facts"]["mediaKnown"] is True
    asked = stack.control("GET", "/stats")["counts"].get("openphone")
    replay(stack, "--apply", key)
    stack.process()
    assert state(stack, key) == known
    assert stack.control("GET", "/stats")["counts"].get("openphone") == asked


def test_bodies_that_are_gone_take_nothing_with_them(stack: Stack) -> None:
    """Their retention has ended."""
    key = a_call(stack)
    known = state(stack, key)
    psql(stack.env, "DELETE FROM event_body WHERE event_id IN (SELECT id"
         " FROM event WHERE resource_id = :'id' AND type LIKE '%summary%');",
         id=key)
    replay(stack, "--apply", key)
    stack.process()
    after = state(stack, key)
    assert after["facts"] == known["facts"]
    assert len(after["events"]) == len(known["events"]) - 1


def test_it_is_dry_unless_it_is_told(stack: Stack) -> None:
    key = a_call(stack)
    before = state(stack, key)
    assert replay(stack, key) == {
        "calls": 1, "messages": 0, "contacts": 0, "applied": False}
    done = stack.run("onsctl", "replay", key)
    assert "1 calls" in done.stdout and "--apply" in done.stdout
    assert state(stack, key) == before and jobs(stack, key) == []


def test_a_new_template_reaches_old_pages(stack: Stack,
                                          tmp_path: Path) -> None:
    key = a_call(stack)
    config = stack.variant(tmp_path, notion__call_title="About {outcome}")
    psql(stack.env, "DELETE FROM job;")
    replay(stack, "--apply", key)
    stack.run("ons-process", "--drain", config=config)
    assert title(stack.page(key)).startswith("About ")


def test_what_changes_nothing_costs_nothing(stack: Stack) -> None:
    key = a_call(stack)
    before = stack.control("GET", "/stats")["counts"]
    replay(stack, "--apply", key)
    stack.process()
    assert stack.control("GET", "/stats")["counts"] == before
    assert not state(stack, key)["refold"]


def test_which_ones(stack: Stack) -> None:
    keys = [a_call(stack) for _ in range(2)]
    assert replay(stack, *keys)["calls"] == 2
    assert replay(stack, "--kind", "message", *keys)["calls"] == 0
    [all_] = stack.rows(
        "SELECT count(*) FILTER (WHERE kind = 'call') AS calls,"
        " count(*) FILTER (WHERE kind = 'message') AS messages,"
        " count(*) FILTER (WHERE kind = 'contact') AS contacts FROM resource")
    assert replay(stack, "--all") == {**all_, "applied": False}


def test_of_which_time(stack: Stack) -> None:
    """By OpenPhone's clock, in days of the workspace's zone."""
    key = a_call(stack)
    [row] = stack.rows("""SELECT count(*) AS n FROM resource WHERE kind = 'call'
        AND coalesce((facts ->> 'createdAt')::timestamptz, changed_at)
        BETWEEN '2026-04-13Z' AND '2026-04-14Z'""")
    assert state(stack, key)["facts"]["createdAt"][:10] == "2026-04-13"
    day = ("--since", "2026-04-13", "--until", "2026-04-13")
    assert replay(stack, *day, "--kind", "call")["calls"] == row["n"] > 0
    before = replay(stack, "--until", "2026-04-12", "--kind", "call")["calls"]
    after = replay(stack, "--since", "2026-04-14", "--kind", "call")["calls"]
    assert before + row["n"] + after == \
        replay(stack, "--all", "--kind", "call")["calls"]


def test_errors_change_nothing(stack: Stack) -> None:
    key = a_call(stack)
    done = stack.run("onsctl", "replay", "--apply", key, "ACnobody",
                     expect=EX_DATAERR)
    assert "ACnobody" in done.stderr and done.stderr.count("\n") == 1
    for wrong in (["--apply"], ["--all", key], ["--kind", "fax", "--all"],
                  ["--every"], ["--since", "yesterday"],
                  ["--all", "--since", "1d"], ["--since", "2999-01-01"],
                  ["--since", "2026-02-01", "--until", "2026-01-01"]):
        stack.run("onsctl", "replay", *wrong, expect=EX_USAGE)
    assert jobs(stack, key) == [] and not state(stack, key)["refold"]
