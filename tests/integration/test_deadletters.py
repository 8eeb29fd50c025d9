"""What was given up is in plain sight, with its history, and in one's hand."""

from __future__ import annotations

import json
import os
import pty
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Stack, psql, title, until

import deliver

pytestmark = pytest.mark.sanitize

EX_USAGE, EX_DATAERR = 64, 65


def job(stack: Stack, key: str) -> dict[str, Any] | None:
    found = stack.rows("SELECT * FROM v_jobs WHERE resource_id = :'id'",
                       id=key)
    return found[0] if found else None


def attempts(stack: Stack, key: str) -> list[dict[str, Any]]:
    return stack.rows("SELECT * FROM attempt WHERE resource_id = :'id'"
                      " ORDER BY at", id=key)


def outcome(stack: Stack, key: str) -> str:
    [row] = stack.rows("SELECT DISTINCT outcome FROM v_events"
                       " WHERE resource_id = :'id'", id=key)
    return row["outcome"]


@pytest.fixture(autouse=True)
def clean(stack: Stack) -> Iterator[None]:
    yield
    stack.control("DELETE", "/faults")
    psql(stack.env, "DELETE FROM job;")


def refuse(stack: Stack, message: str, **more: Any) -> None:
    stack.control("POST", "/faults", {
        "service": "notion", "method": "POST", "path": r"/v1/pages(\?|$)",
        "times": -1, "status": 400, "body": {
            "object": "error", "status": 400, "code": "validation_error",
            "message": message}, **more})


def dead(stack: Stack, message: str, *names: str) -> list[str]:
    """Resources whose pages Notion refuses."""
    events = [stack.load(f"2026-03-30/{name}", stack.fresh())
              for name in names]
    stack.control("DELETE", "/faults")
    refuse(stack, message)
    stack.send(*events)
    stack.run("ons-process", "--drain", "-w1")
    stack.control("DELETE", "/faults")
    keys = [deliver.resource_id(event) for event in events]
    assert all((job(stack, key) or {})["state"] == "dead" for key in keys)
    return keys


def test_the_history_of_a_dead_job(stack: Stack, tmp_path: Path) -> None:
    """Each failed attempt is kept: when, where, how long, and why."""
    config = stack.variant(tmp_path, process__max_attempts="2")
    event = stack.load("2026-03-30/call.completed", stack.fresh())
    key = deliver.resource_id(event)
    stack.control("POST", "/faults", {
        "service": "notion", "path": "/v1/pages", "times": -1, "status": 502})
    stack.send(event)
    for _ in range(8):
        stack.run("ons-process", "--drain", "-w1", config=config)
        psql(stack.env, "UPDATE job SET run_at = now();")
        if (job(stack, key) or {})["state"] == "dead":
            break
    assert (job(stack, key) or {})["state"] == "dead"
    kept = attempts(stack, key)
    assert [row["attempt"] for row in kept] == [1, 2]
    assert {row["kind"] for row in kept} == {"call"}
    for row in kept:
        assert row["host"] == os.uname().nodename and row["run"] > 0
        assert row["took"] and row["error"] and row["error_kind"]

    # no page, and Notion is not even asked for one
    shown = stack.run("onsctl", "show", key,
                      env={"NOTION_API_BASE": "http://127.0.0.1:1"}).stdout
    assert f"call {key}: dead, 2 attempts: " in shown
    assert shown.count(kept[0]["error_kind"]) >= 2
    told = json.loads(stack.run("onsctl", "--json", "show", key).stdout)
    assert [row["state"] for row in told["jobs"]] == ["dead"]
    assert [row["attempt"] for row in told["attempts"]] == ["1", "2"]
    assert told["page"] is None and told["blocks"] is None


def test_waits_do_not_flood_the_history(stack: Stack) -> None:
    """Of a series of waits the first is kept."""
    event = stack.load("2026-03-30/message.received", stack.fresh())
    key = deliver.resource_id(event)
    stack.control("POST", "/faults", {
        "service": "notion", "path": "/v1/pages", "times": 3, "status": 429,
        "headers": {"Retry-After": "1"}})
    stack.send(event)
    stack.process()
    assert stack.page(key)
    told = attempts(stack, key)
    assert [row["error_kind"] for row in told] == ["wait"]
    assert not stack.rows("SELECT FROM v_failures WHERE error_kind = 'wait'")
    # a page that is there is shown with what it went through
    assert "wait" in stack.run("onsctl", "show", key).stdout


def test_numbers_are_masked_in_the_history(stack: Stack) -> None:
    [key] = dead(stack, "no +15550001111 here", "call.completed")
    [row] = attempts(stack, key)
    assert "+1555***1111" in row["error"]
    assert "5550001111" not in json.dumps([row, job(stack, key)])


def test_a_long_reason_in_any_script(stack: Stack) -> None:
    """It is cut, and never so that PostgreSQL would refuse what is left of
    it, for then the job could not even be given up."""
    for ascii_first in ("", "x"):
        [key] = dead(stack, ascii_first + "Имя колонки " * 60,
                     "call.completed")
        assert "колонки" in attempts(stack, key)[-1]["error"]


def test_failures_by_reason(stack: Stack) -> None:
    # digits might be an id, which is no reason
    word = stack.fresh().translate(str.maketrans("0123456789", "abcdefghij"))
    reason = f"nothing works in {word}"
    keys = dead(stack, reason, "call.completed", "call.completed",
                "message.received")
    found = {row["kind"]: row for row in stack.rows(
        "SELECT * FROM v_failures WHERE reason LIKE '%' || :'r' || '%'",
        r=reason)}
    assert (found["call"]["resources"], found["call"]["dead"]) == (2, 2)
    assert found["message"]["attempts"] == 1
    assert found["call"]["error_kind"] == "permanent"
    stack.run("onsctl", "retry", *keys)
    stack.process()
    [row] = stack.rows("SELECT * FROM v_failures WHERE kind = 'call'"
                       " AND reason LIKE '%' || :'r' || '%'", r=reason)
    assert (row["resources"], row["dead"]) == (2, 0)


def listed(stack: Stack, *args: str) -> set[str]:
    done = stack.run("onsctl", "--json", "jobs", *args)
    return {row["resource_id"] for row in json.loads(done.stdout)["jobs"]}


def test_jobs_are_listed_by_kind_and_error(stack: Stack) -> None:
    one = dead(stack, "Colour is wrong", "call.completed", "message.received")
    two = dead(stack, "shape is wrong", "call.completed")
    event = stack.load("2026-03-30/call.completed", stack.fresh())
    stack.send(event)  # due, not dead
    waiting = deliver.resource_id(event)
    assert listed(stack) == {*one, *two, waiting}
    assert listed(stack, "--dead") == {*one, *two}
    assert listed(stack, "--dead", "--kind", "call") == {one[0], two[0]}
    assert listed(stack, "--kind", "call") == {one[0], two[0], waiting}
    assert listed(stack, "--error", "colour IS") == set(one)
    assert listed(stack, "--error", "colour", "--kind", "message") == {one[1]}
    assert len(listed(stack, "--dead", "--limit", "2")) == 2
    shown = stack.run("onsctl", "jobs", "--dead").stdout
    assert "GIVEN UP" in shown and "shape is wrong" in shown
    assert stack.run("onsctl", "jobs", "--kind", "fax",
                     expect=EX_USAGE).stderr


def test_retry(stack: Stack) -> None:
    """What was given up is tried again, by id or all there is."""
    one, two, three = dead(stack, "out of order", "call.completed",
                           "message.received", "call.completed")
    done = stack.run("onsctl", "retry", one)
    assert "1 jobs are due again" in done.stdout
    found = job(stack, one) or {}
    assert (found["state"], found["attempts"]) == ("due", 0)
    assert (job(stack, two) or {})["state"] == "dead"
    stack.run("onsctl", "retry", "--dead", "--kind", "message")
    assert (job(stack, two) or {})["state"] == "due"
    assert (job(stack, three) or {})["state"] == "dead"
    done = stack.run("onsctl", "--json", "retry", "--dead", "--error",
                     "OUT OF")
    assert json.loads(done.stdout) == {"due": 1}
    stack.process()
    for key in (one, two, three):
        assert title(stack.page(key))
        assert outcome(stack, key) == "done"
    assert "0 jobs" in stack.run("onsctl", "retry", "--dead").stdout


def test_unknown_ids_change_nothing(stack: Stack) -> None:
    [key] = dead(stack, "out of order", "call.completed")
    for command in (("retry",), ("discard", "--yes")):
        for args in ((key, "ACnobody"), ("ACnobody",),
                     ("--kind", "message", key)):
            done = stack.run("onsctl", *command, *args, expect=EX_DATAERR)
            assert args[-1] in done.stderr and not done.stdout
            assert done.stderr.count("\n") == 1
        assert (job(stack, key) or {})["state"] == "dead"
        for args in ((), ("--dead", key), ("--nonsense", key),
                     ("--kind", "call")):
            stack.run("onsctl", *command, *args, expect=EX_USAGE)
        assert (job(stack, key) or {})["state"] == "dead"


def test_discard(stack: Stack) -> None:
    """It is gone from the list, not from the records; an event that comes
    afterwards finds it as if nothing had been."""
    suffix = stack.fresh()
    event = stack.load("2026-03-30/call.completed", suffix)
    key = deliver.resource_id(event)
    refuse(stack, "beyond help")
    stack.send(event)
    stack.run("ons-process", "--drain")
    stack.control("DELETE", "/faults")

    done = stack.run("onsctl", "discard", key, expect=EX_USAGE)
    assert key in done.stdout and "--yes" in done.stderr
    assert (job(stack, key) or {})["state"] == "dead"
    assert "1 jobs are discarded" in stack.run(
        "onsctl", "discard", "--yes", key).stdout
    assert job(stack, key) is None
    assert outcome(stack, key) == "discarded"
    [row] = stack.rows("SELECT * FROM job_done WHERE resource_id = :'id'",
                       id=key)
    assert row["outcome"] == "discarded" and "beyond" in row["last_error"]
    shown = stack.run("onsctl", "show", key).stdout
    assert f"{key}: discarded, 1 attempts: " in shown
    stack.run("onsctl", "discard", "--yes", key, expect=EX_DATAERR)

    stack.send(stack.load("2026-03-30/call.summary.completed", suffix))
    stack.process()
    assert title(stack.page(key))
    assert outcome(stack, key) == "done"
    assert "discarded" not in stack.run("onsctl", "show", key).stdout


def test_discard_all_dead(stack: Stack) -> None:
    keys = dead(stack, "beyond help", "call.completed", "message.received")
    event = stack.load("2026-03-30/call.completed", stack.fresh())
    stack.send(event)
    done = stack.run("onsctl", "--json", "discard", "--dead", "--yes",
                     "--kind", "message")
    assert json.loads(done.stdout) == {"discarded": 1}
    assert job(stack, keys[0]) and not job(stack, keys[1])
    stack.run("onsctl", "discard", "--dead", "--yes")
    assert not job(stack, keys[0])
    assert job(stack, deliver.resource_id(event))  # it was not dead
    assert "0 jobs" in stack.run("onsctl", "discard", "--dead").stdout


@pytest.mark.parametrize("answer, gone", [("y", True), ("n", False),
                                          ("", False)])
def test_discard_asks_who_is_there(stack: Stack, answer: str,
                                   gone: bool) -> None:
    [key] = dead(stack, "beyond help", "message.received")
    ours, theirs = pty.openpty()
    child = stack.start("onsctl", "discard", "--dead", stdin=theirs)
    os.close(theirs)
    os.write(ours, f"{answer}\n".encode())
    out, err = child.communicate(timeout=60)
    os.close(ours)
    assert b"discard 1 for good?" in out and key.encode() in out
    assert err == b""
    assert child.returncode == (0 if gone else EX_USAGE)
    assert (job(stack, key) is None) == gone


def test_an_event_during_the_last_attempt_gives_another(
        stack: Stack) -> None:
    """Refused for good, but for what was known then."""
    suffix = stack.fresh()
    event = stack.load("2026-03-30/call.completed", suffix)
    key = deliver.resource_id(event)
    refuse(stack, "beyond help", times=1, delay=4)
    refuse(stack, "beyond help", times=1)  # it reads the columns, tries again
    stack.send(event)
    child = stack.start("ons-process", "--drain", "-w1")
    until(lambda: (job(stack, key) or {})["state"] == "running")
    stack.send(stack.load("2026-03-30/call.summary.completed", suffix))
    child.communicate(timeout=60)
    assert [row["error_kind"] for row in attempts(stack, key)] == ["permanent"]
    assert title(stack.page(key)) and job(stack, key) is None


def test_retention(stack: Stack, tmp_path: Path) -> None:
    """What is older than [retention] says goes; the rest stays."""
    old, young = dead(stack, "beyond help", "call.completed",
                      "message.received")
    done = stack.load("2026-03-30/call.completed", stack.fresh())
    stack.send(done)
    stack.process()
    done_key = deliver.resource_id(done)
    psql(stack.env, """
        UPDATE attempt SET at = at - interval '3 days'
         WHERE resource_id = :'old';
        UPDATE job SET run_at = run_at - interval '3 days'
         WHERE resource_id = :'old';
        UPDATE job_done SET finished_at = finished_at - interval '3 days'
         WHERE resource_id = :'done';""", old=old, done=done_key)

    def state() -> tuple[int, int, int, int]:
        return (len(attempts(stack, old)), len(attempts(stack, young)),
                len(stack.rows("SELECT FROM job_done WHERE resource_id ="
                               " :'id'", id=done_key)),
                len(stack.rows("SELECT FROM v_jobs WHERE state = 'dead'")))

    stack.process()
    assert state() == (1, 1, 1, 2)
    stack.run("ons-process", "--drain", config=stack.variant(
        tmp_path, retention__finished="0s", retention__attempts="0s"))
    assert state() == (1, 1, 1, 2)
    stack.run("ons-process", "--drain", config=stack.variant(
        tmp_path, retention__finished="2d", retention__attempts="2d",
        retention__dead="4d"))
    assert state() == (0, 1, 0, 2)
    stack.run("ons-process", "--drain", config=stack.variant(
        tmp_path, retention__dead="2d"))
    assert job(stack, old) is None and job(stack, young)
    assert outcome(stack, old) == "discarded"


def test_retention_goes_on_until_all_is_gone(
        stack: Stack, tmp_path: Path) -> None:
    """Batch by batch, while there is more."""
    psql(stack.env, """
        INSERT INTO job_done (workspace, kind, resource_id, attempts, due_at,
            outcome, finished_at)
        SELECT 'default', 'call', 'ACold', 1, now() - interval '3 days',
               'done', now() - interval '3 days'
          FROM generate_series(1, 2500);
        INSERT INTO attempt (workspace, kind, resource_id, attempt, at,
            error_kind, error, run)
        SELECT 'default', 'call', 'ACold', 1, now() - interval '3 days',
               'retry', 'a test', 0 FROM generate_series(1, 1500);""")
    child = stack.start("ons-process", "--linger", config=stack.variant(
        tmp_path, retention__finished="2d", retention__attempts="2d"))
    try:
        until(lambda: not stack.rows(
            "SELECT FROM job_done WHERE resource_id = 'ACold'"
            " UNION ALL SELECT FROM attempt WHERE resource_id = 'ACold'"))
    finally:
        child.terminate()
        child.communicate(timeout=60)
