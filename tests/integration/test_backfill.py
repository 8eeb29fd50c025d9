"""onsctl backfill: history from OpenPhone's lists, in slices."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import (Stack, children, clean_environment, psql, texts, title,
                      until)

import deliver


class History:
    """Calls and messages of a line of the test's own."""

    def __init__(self, stack: Stack, line: bool = True) -> None:
        self.stack = stack
        self.suffix = stack.fresh()
        digits = f"{int(self.suffix[1:]):04d}"
        self.ours = f"+1555710{digits}"
        self.theirs = f"+1555720{digits}"
        self.line = f"PN{self.suffix}"
        stack.control("POST", "/openphone/numbers", {
            "id": self.line, "name": f"Line {self.suffix}",
            "phoneNumber": self.ours, "users": ["UStest01", "UStest02"]})

    def call(self, number: int, when: str, **fields: Any) -> str:
        others = fields.pop("others", [self.theirs])
        user = fields.get("actorId", "UStest01")
        call = {"id": f"AC{self.suffix}c{number}", "createdAt": when,
                "phoneNumberId": self.line, "completedAt": when,
                "participants": [
                    {"phoneNumber": self.ours, "actorId": user},
                    *({"phoneNumber": one, "actorId": None}
                      for one in others)], **fields}
        self.stack.control("POST", "/openphone/calls", call)
        return call["id"]

    def message(self, number: int, when: str, **fields: Any) -> str:
        message = {"id": f"AC{self.suffix}m{number}", "createdAt": when,
                   "phoneNumberId": self.line, "from": self.theirs,
                   "to": [self.ours], "text": f"Message {number}", **fields}
        self.stack.control("POST", "/openphone/messages", message)
        return message["id"]

    def conversation(self, *others: str, **fields: Any) -> None:
        self.stack.control("POST", "/openphone/conversations", {
            "id": f"CN{self.suffix}{len(others)}", "phoneNumberId": self.line,
            "participants": list(others or [self.theirs]),
            "createdAt": "2026-01-01T00:00:00Z", **fields})


def backfill(stack: Stack, *args: str, expect: int | None = 0,
             config: Path | None = None
             ) -> subprocess.CompletedProcess[str]:
    return stack.run("onsctl", "backfill", *args, expect=expect,
                     config=config)


def queue(stack: Stack, *args: str, config: Path | None = None) -> int:
    done = stack.run("onsctl", "--json", "backfill", *args, "--apply",
                     config=config)
    return int(json.loads(done.stdout)["backfill"])


def state(stack: Stack, number: int) -> dict[str, Any]:
    [row] = stack.rows("SELECT * FROM v_backfills WHERE id = :number",
                       number=number)
    return row


def pages(stack: Stack, suffix: str) -> list[str]:
    """Whose pages there are in Notion, of ids that contain the suffix; an id
    twice is two pages."""
    shown = stack.control("GET", "/notion/values/OpenPhone%20ID")
    return sorted(one for one, n in shown.items() for _ in range(n)
                  if re.fullmatch(rf"AC{suffix}[a-z]\d+", one))


def counts(stack: Stack, service: str) -> int:
    return sum(stack.control("GET", "/stats")["counts"]
               .get(service, {}).values())


@pytest.fixture(autouse=True)
def strict(stack: Stack) -> Iterator[None]:
    """Nothing that is sent breaks a rule."""
    before = stack.control("GET", "/stats")["violations"]
    yield
    assert stack.control("GET", "/stats")["violations"] == before


RANGE = ("--since", "2026-02-01", "--until", "2026-03-31")


def test_what_was_before_gets_its_pages(stack: Stack) -> None:
    """Also calls that were missed, and those of several people; each page is
    one request, and the second time it is none."""
    history = History(stack)
    wanted = [history.call(1, "2026-02-01T00:00:00Z",
                           answeredAt="2026-02-01T00:00:05Z"),
              history.call(2, "2026-02-02T10:00:00Z", status="no-answer"),
              history.call(3, "2026-03-31T23:59:59.999Z",
                           others=[history.theirs, "+15557300001"]),
              history.message(1, "2026-02-01T00:00:00Z"),
              history.message(2, "2026-03-31T23:59:59.999Z",
                              to=[history.ours, "+15557300001"])]
    history.call(8, "2026-01-31T23:59:59.999Z")
    history.call(9, "2026-04-01T00:00:00Z")
    history.message(8, "2026-01-31T23:59:59.999Z")
    history.message(9, "2026-04-01T00:00:00Z")
    stack.control("POST", "/openphone/voicemails", {
        "callId": wanted[1], "transcript": "Please call back."})
    args = (*RANGE, "--number", history.line)
    before = counts(stack, "notion")
    dry = backfill(stack, *args).stdout
    assert "calls     3, of which 0 are in Notion" in dry
    assert "messages  2, of which 0 are in Notion" in dry
    assert "--apply" in dry
    assert (counts(stack, "notion"), pages(stack, history.suffix)) == (
        before, [])

    number = queue(stack, *args)
    assert state(stack, number)["state"] == "listing"
    stack.process()
    row = state(stack, number)
    assert (row["state"], row["calls"], row["messages"], row["due"],
            row["waiting"], row["share"], row["open"]) == (
        "complete", 3, 2, 5, 0, 1, 0)
    assert pages(stack, history.suffix) == sorted(wanted)
    assert counts(stack, "notion") == before + 5
    assert "Please call back." in texts(stack.page(wanted[1]))

    again = queue(stack, *args)
    stack.process()
    row = state(stack, again)
    assert (row["state"], row["calls"], row["messages"], row["due"]) == (
        "complete", 3, 2, 0)
    assert counts(stack, "notion") == before + 5
    dry = json.loads(stack.run("onsctl", "--json", "backfill", *args).stdout)
    assert dry["calls"] == {"total": 3, "known": 3, "exact": True}
    assert dry["notion_requests"] == 0


def test_a_listed_call_is_not_asked_for_again(stack: Stack) -> None:
    """The list has the call, its summary and its voicemail: a missed call
    costs no request of its own, an answered one two, for its recordings and
    their transcripts."""
    history = History(stack)
    missed = history.call(1, "2026-02-01T10:00:00Z", status="no-answer")
    answered = history.call(2, "2026-02-01T11:00:00Z",
                            answeredAt="2026-02-01T11:00:05Z")
    start = len(requests_to(stack, "openphone"))
    queue(stack, *RANGE, "--number", history.line)
    stack.process()
    asked = requests_to(stack, "openphone")[start:]
    assert [path for path in asked if missed in path] == []
    assert sorted(path for path in asked if answered in path) == [
        f"/calls/{answered}/recordings?limit=50",
        f"/calls/{answered}/transcripts"]


def requests_to(stack: Stack, service: str) -> list[str]:
    lines = Path(stack.env["SANDBOX_RECORD"]).read_text().splitlines()
    return [entry["path"] for entry in map(json.loads, lines)
            if entry["service"] == service]


def test_names_are_learnt_first(stack: Stack) -> None:
    """Nobody knows a contact's number before the address book is read."""
    history = History(stack)
    stack.control("POST", "/openphone/contacts", {
        "id": f"CT{history.suffix}", "firstName": "Ida", "lastName":
        history.suffix, "phoneNumbers": [history.theirs]})
    message = history.message(1, "2026-02-01T10:00:00Z")
    stack.control("POST", "/faults", {
        "service": "openphone", "path": "^/v1/contacts", "delay": 1.5})
    queue(stack, *RANGE, "--number", history.ours)
    stack.process()
    stack.control("DELETE", "/faults")
    assert f"Ida {history.suffix}" in title(stack.page(message))


def test_only_one_contact(stack: Stack) -> None:
    """By a number as people write it, and by the contact's id, with all its
    numbers; as the caller, and as the one who is called."""
    history = History(stack)
    second = history.theirs.replace("720", "721")
    stack.control("POST", "/openphone/contacts", {
        "id": f"CT{history.suffix}", "firstName": "Ida",
        "phoneNumbers": [history.theirs, second]})
    first = [history.call(1, "2026-02-01T10:00:00Z"),
             history.message(1, "2026-02-02T10:00:00Z"),
             history.message(2, "2026-02-03T10:00:00Z", direction="outgoing",
                             to=[history.theirs], **{"from": history.ours})]
    other = [history.call(2, "2026-02-01T10:00:00Z", others=[second]),
             history.message(3, "2026-02-01T10:00:00Z", **{"from": second})]
    history.call(3, "2026-02-01T10:00:00Z", others=["+15557300001"])
    history.message(4, "2026-02-01T10:00:00Z", **{"from": "+15557300001"})
    digits = history.theirs
    queue(stack, *RANGE, "--contact",
          f"({digits[2:5]}) {digits[5:8]}-{digits[8:]}")
    stack.process()
    assert pages(stack, history.suffix) == sorted(first)
    queue(stack, *RANGE, "--contact", f"CT{history.suffix}")
    stack.process()
    assert pages(stack, history.suffix) == sorted(first + other)


# --- v1 ---

@pytest.fixture
def v1(stack: Stack, tmp_path: Path) -> Path:
    return stack.variant(tmp_path, openphone__api_base=stack.env[
        "OPENPHONE_API_BASE"] + "/v1")


def test_v1_is_walked_by_conversation_and_user(stack: Stack,
                                               v1: Path) -> None:
    history = History(stack)
    group = [history.theirs, "+15557300001"]
    history.conversation(lastActivityAt="2026-02-02T10:00:00Z")
    history.conversation(*group, lastActivityAt="2026-02-02T10:00:00Z")
    wanted = [history.call(1, "2026-02-01T10:00:00Z"),
              history.call(2, "2026-02-02T10:00:00Z", actorId="UStest02",
                           status="no-answer"),
              history.message(1, "2026-02-02T10:00:00Z"),
              history.message(2, "2026-02-02T11:00:00Z",
                              to=[history.ours, group[1]])]
    history.call(3, "2026-02-03T10:00:00Z", others=group)
    history.call(8, "2026-01-31T23:59:59Z")
    history.message(9, "2026-04-01T00:00:00Z")
    args = (*RANGE, "--number", history.ours)
    dry = backfill(stack, *args, config=v1).stdout
    assert "calls     2, " in dry and "messages  2, " in dry
    assert "calls of 1 conversations of several people" in dry

    number = queue(stack, *args, config=v1)
    stack.run("ons-process", "--drain", config=v1)
    row = state(stack, number)
    assert (row["surface"], row["state"], row["calls"], row["messages"],
            row["groups"]) == ("v1", "complete", 2, 2, 1)
    assert pages(stack, history.suffix) == sorted(wanted)
    told = backfill(stack, "--follow", str(number)).stdout
    assert "calls of 1 conversations of several people" in told


def test_v1_only_one_contact(stack: Stack, v1: Path) -> None:
    history = History(stack)
    history.conversation()
    history.conversation("+15557300001", "+15557300002")
    wanted = [history.call(1, "2026-02-01T10:00:00Z"),
              history.message(1, "2026-02-01T10:00:00Z")]
    history.message(2, "2026-02-01T10:00:00Z", to=[
        history.ours, "+15557300002"], **{"from": "+15557300001"})
    queue(stack, *RANGE, "--contact", history.theirs, config=v1)
    stack.run("ons-process", "--drain", config=v1)
    assert pages(stack, history.suffix) == sorted(wanted)


def test_without_dated_lists_v1_does_it(stack: Stack) -> None:
    history = History(stack)
    history.conversation()
    wanted = [history.call(1, "2026-02-01T10:00:00Z")]
    stack.control("POST", "/faults", {
        "service": "openphone", "path": "^/calls\\?", "times": -1,
        "status": 404})
    try:
        number = queue(stack, *RANGE, "--number", history.line)
        stack.process()
    finally:
        stack.control("DELETE", "/faults")
    assert state(stack, number)["surface"] == "v1"
    assert pages(stack, history.suffix) == wanted


# --- interrupted ---

# of a time in which nobody else has anything
YEAR = {"calls": 60, "messages": 240, "people": 30, "lines": 2,
        "since": "2022-01-01T00:00:00Z", "until": "2023-01-01T00:00:00Z"}
ALL_OF_IT = ("--since", "2022-01-01", "--until", "2022-12-31")


@pytest.fixture
def year(stack: Stack) -> Iterator[list[str]]:
    """A generated year; the ids of everything in it."""
    stack.control("POST", "/openphone/year", YEAR)
    yield sorted([f"ACyearc{n:06d}" for n in range(YEAR["calls"])]
                 + [f"ACyearm{n:06d}" for n in range(YEAR["messages"])])
    stack.control("POST", "/openphone/forget-year")
    forget(stack)


def forget(stack: Stack) -> None:
    """As if the year had never been: its pages are in the trash."""
    for row in stack.rows("SELECT page_id FROM page"
                          " WHERE resource_id LIKE 'ACyear%'"
                          " AND page_id IS NOT NULL"):
        stack.control("POST", f"/notion/pages/{row['page_id']}/trash", {})
    psql(stack.env, "DELETE FROM page WHERE resource_id LIKE 'ACyear%';"
         "DELETE FROM resource WHERE id LIKE 'ACyear%';"
         "DELETE FROM job WHERE resource_id LIKE 'ACyear%';")


def kill(parent: subprocess.Popen[bytes]) -> None:
    """The processor and all its workers, at once."""
    workers = children(parent.pid)
    for pid in (parent.pid, *workers):
        os.kill(pid, signal.SIGKILL)
    parent.communicate()
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))


def finish(stack: Stack, number: int, config: Path | None = None) -> None:
    """To its end. What was interrupted waits before it looks whether its page
    was made; the waits are cut short."""
    def ended() -> bool:
        psql(stack.env, "UPDATE page SET intent_at = intent_at -"
             " interval '3 minutes' WHERE resource_id LIKE 'ACyear%';"
             " UPDATE job SET run_at = now() WHERE lease_by IS NULL"
             " AND resource_id LIKE 'ACyear%';")
        stack.run("ons-process", "--drain", config=config)
        return state(stack, number)["state"] not in ("listing", "writing")
    until(ended)


@pytest.mark.parametrize("surface", ["dated", "v1"])
def test_killed_ten_times_it_is_complete(
        stack: Stack, year: list[str], v1: Path, surface: str) -> None:
    config = v1 if surface == "v1" else stack.config
    before = counts(stack, "notion")
    number = queue(stack, *ALL_OF_IT, config=config)
    if surface == "v1":  # of group calls there is no list there
        year = [one for one in year if not is_group_call(stack, one)]
    for time in range(10):
        parent = stack.start("ons-process", "--linger", config=config)
        goal = before + (time + 1) * len(year) // 12
        until(lambda: counts(stack, "notion") >= goal)
        kill(parent)
    finish(stack, number, config)
    row = state(stack, number)
    assert (row["state"], row["share"], row["waiting"], row["dead"]) == (
        "complete", 1, 0, 0)
    assert row["calls"] + row["messages"] == len(year)
    assert pages(stack, "year") == year
    # a creation whose answer was lost is looked for: of each worker that was
    # killed one at most
    assert counts(stack, "notion") - before <= len(year) + 10 * 4 * 2


def is_group_call(stack: Stack, identifier: str) -> bool:
    if not identifier.startswith("ACyearc"):
        return False
    call = stack.control("GET", f"/openphone/calls/{identifier}")
    return len(call["participants"]) > 2


def test_it_goes_on_where_it_was(stack: Stack, year: list[str]) -> None:
    """As if a half of each list had been stored before the interruption."""
    number = queue(stack, *ALL_OF_IT)
    psql(stack.env, "UPDATE backfill_slice SET position = since"
         " + (until - since) / 2 WHERE backfill_id = :number"
         " AND list IN ('calls', 'messages');", number=number)
    stack.process()
    halves = stack.rows(
        "SELECT r.created > s.since + (s.until - s.since) / 2 AS upper,"
        " count(*), min(r.created) = min(s.position) AS at_its_end"
        "  FROM (SELECT kind || 's' AS list, facts ->> 'id' AS id,"
        "        (facts ->> 'createdAt')::timestamptz AS created"
        "          FROM resource WHERE id LIKE 'ACyear%') r"
        "  JOIN backfill_slice s ON s.list = r.list"
        "   AND r.created >= s.since AND r.created < s.until"
        " WHERE s.backfill_id = :number GROUP BY 1", number=number)
    [half] = halves
    assert not half["upper"] and half["at_its_end"]
    assert 0.35 * len(year) < half["count"] < 0.65 * len(year)


def test_what_comes_in_meanwhile_is_not_lost(stack: Stack,
                                             year: list[str]) -> None:
    """Deliveries about what is being listed: both are in the state."""
    number = queue(stack, *ALL_OF_IT)
    parent = stack.start("ons-process", "--linger")
    try:
        for identifier in year[-200::2]:  # messages
            stack.send({
                "id": f"EV{identifier}", "object": "event",
                "apiVersion": "v4", "createdAt": "2022-12-31T23:59:59.000Z",
                "type": "message.received", "data": {"object": {
                    "id": identifier, "object": "message",
                    "contactIds": ["CTyear00000"]}}})
        until(lambda: state(stack, number)["state"] == "complete")
    finally:
        kill(parent)
    stack.process()
    rows = stack.rows(
        "SELECT id, facts -> 'contactIds' AS contacts,"
        " facts ->> 'text' AS text FROM resource WHERE id LIKE 'ACyear%'")
    assert len(rows) == len(year)
    told = {row["id"]: row["contacts"] for row in rows}
    assert all(told[one] == ["CTyear00000"] for one in year[-200::2])
    assert all(row["text"] for row in rows if row["id"][6] == "m")
    assert pages(stack, "year") == year


def transaction(stack: Stack, sql: str) -> subprocess.Popen[str]:
    """A session that has begun a transaction with this, and waits."""
    session = subprocess.Popen(
        ["psql", "-Xq", "--set=ON_ERROR_STOP=1"], stdin=subprocess.PIPE,
        text=True, env=clean_environment(**{
            name: value for name, value in stack.env.items()
            if name.startswith("PG")}))
    assert session.stdin
    session.stdin.write(f"BEGIN; {sql}\n")
    session.stdin.flush()
    until(lambda: stack.rows("SELECT FROM pg_stat_activity"
                             " WHERE state = 'idle in transaction'"))
    return session


def test_who_stores_at_the_same_time_is_not_overwritten(
        stack: Stack) -> None:
    """A worker stores the resource after the slice has read it, and before it
    stores it."""
    history = History(stack)
    key = history.message(1, "2026-02-01T10:00:00Z", conversationId="CNlist")
    psql(stack.env, "INSERT INTO resource (workspace, kind, id, facts, times)"
         " VALUES ('default', 'message', :'id', '{}', '{}');", id=key)
    worker = transaction(
        stack, "UPDATE resource SET facts = '{\"errorCode\": \"kept\"}',"
        f" changed_at = clock_timestamp() WHERE id = '{key}';")
    number = queue(stack, *RANGE, "--number", history.line)
    parent = stack.start("ons-process", "--linger")
    try:
        until(lambda: stack.rows("SELECT FROM pg_locks WHERE NOT granted"))
        worker.communicate("COMMIT;\n", timeout=60)
        until(lambda: state(stack, number)["state"] == "complete")
    finally:
        worker.kill()
        kill(parent)
    [row] = stack.rows("SELECT facts ->> 'errorCode' AS theirs,"
                       " facts ->> 'conversationId' AS ours"
                       " FROM resource WHERE id = :'id'", id=key)
    assert row == {"theirs": "kept", "ours": "CNlist"}
    assert state(stack, number)["messages"] == 1


def no_deadlock_since(stack: Stack, time: str) -> bool:
    return stack.rows("SELECT FROM attempt WHERE error ~ 'deadlock'"
                      f" AND at > '{time}'") == []


def test_who_lists_does_not_keep_who_writes(stack: Stack) -> None:
    """A worker holds its job's row while it stores the resource; who lists
    that must not have the resource already and wait for the job."""
    [before] = stack.rows("SELECT now() AS time")
    history = History(stack)
    key = history.message(1, "2026-02-01T10:00:00Z")
    psql(stack.env, "INSERT INTO resource (workspace, kind, id, facts, times)"
         " VALUES ('default', 'message', :'id', '{}', '{}');"
         "INSERT INTO job (workspace, kind, resource_id, priority, run_at)"
         " VALUES ('default', 'message', :'id', 10, now() + interval '1 h');",
         id=key)
    worker = transaction(
        stack, "DO $$ BEGIN PERFORM FROM job"
        f" WHERE resource_id = '{key}' FOR SHARE; END $$;")
    number = queue(stack, *RANGE, "--number", history.line)
    parent = stack.start("ons-process", "--linger")
    try:
        until(lambda: stack.rows("SELECT FROM pg_locks WHERE NOT granted"))
        worker.communicate("UPDATE resource SET checks = checks"
                           f" WHERE id = '{key}'; COMMIT;\n", timeout=60)
        until(lambda: state(stack, number)["state"] == "complete")
    finally:
        worker.kill()
        kill(parent)
    assert worker.returncode == 0
    assert no_deadlock_since(stack, before["time"])


def test_who_comes_too_late_stores_nothing(stack: Stack) -> None:
    """A worker is held up until its lease is over, and another one has read
    the list to its end."""
    history = History(stack)
    key = history.message(1, "2026-02-01T10:00:00Z")
    psql(stack.env, "INSERT INTO resource (workspace, kind, id, facts, times)"
         " VALUES ('default', 'message', :'id', '{}', '{}');", id=key)
    other = transaction(
        stack, f"UPDATE resource SET facts = facts WHERE id = '{key}';")
    number = queue(stack, *RANGE, "--number", history.line)
    parent = stack.start("ons-process", "--linger")
    try:
        until(lambda: stack.rows("SELECT FROM pg_locks WHERE NOT granted"))
        other.communicate(f"""
            WITH gone AS (
                DELETE FROM job USING backfill_slice s
                 WHERE s.backfill_id = {number} AND job.kind = 'backfill'
                   AND job.resource_id = s.id::text)
            UPDATE backfill_slice SET progress = 'listed', position = since
             WHERE backfill_id = {number};
            COMMIT;""", timeout=60)
        until(lambda: not stack.rows("SELECT FROM run WHERE id IN (SELECT"
                                     " lease_by FROM job)"))
    finally:
        other.kill()
        parent.send_signal(signal.SIGTERM)  # ends what it is at
        parent.communicate(timeout=60)
    assert stack.rows("SELECT facts FROM resource WHERE id = :'id'",
                      id=key) == [{"facts": {}}]
    row = state(stack, number)
    assert (row["state"], row["messages"]) == ("complete", 0)


def test_a_cancelled_one_writes_no_more(stack: Stack,
                                        year: list[str]) -> None:
    number = queue(stack, *ALL_OF_IT)
    before = counts(stack, "notion")
    parent = stack.start("ons-process", "--linger")
    until(lambda: counts(stack, "notion") >= before + 20)
    done = backfill(stack, "--cancel", str(number))
    assert "is cancelled" in done.stdout
    until(lambda: stack.rows(
        "SELECT FROM job WHERE kind = 'backfill'"
        " OR resource_id LIKE 'ACyear%'") == [])
    kill(parent)
    assert state(stack, number)["state"] == "cancelled"
    written = pages(stack, "year")
    assert 20 <= len(written) < len(year)
    stack.process()
    assert pages(stack, "year") == written
    backfill(stack, "--cancel", str(number), expect=65)
    # what it began, another one ends
    queue(stack, *ALL_OF_IT)
    stack.process()
    assert pages(stack, "year") == year


def test_who_cancels_waits_for_what_is_being_stored(stack: Stack) -> None:
    """The worker has one job's row and waits for another; once it goes on, it
    must not wait for who cancels, who waits for the first."""
    [before] = stack.rows("SELECT now() AS time")
    history = History(stack)
    first, second = (history.message(one, "2026-02-01T10:00:00Z")
                     for one in (1, 2))
    number = queue(stack, *RANGE, "--number", history.line)
    psql(stack.env, "INSERT INTO resource (workspace, kind, id, facts, times,"
         " backfill) VALUES ('default', 'message', :'id', '{}', '{}', :number);"
         "INSERT INTO job (workspace, kind, resource_id, priority, run_at)"
         " VALUES ('default', 'message', :'id', 10, now() + interval '1 h');",
         id=first, number=number)
    other = transaction(
        stack, "INSERT INTO job (workspace, kind, resource_id, priority) VALUES"
        f" ('default', 'message', '{second}', 10);")
    parent = stack.start("ons-process", "--linger")
    waiting = "SELECT FROM pg_locks WHERE NOT granted"
    try:
        until(lambda: stack.rows(waiting))
        cancel = stack.start("onsctl", "backfill", "--cancel", str(number))
        until(lambda: len(stack.rows(waiting)) == 2)
        other.communicate("ROLLBACK;\n", timeout=60)
        out, err = cancel.communicate(timeout=60)
    finally:
        other.kill()
        kill(parent)
    assert (cancel.returncode, err) == (0, b""), (out, err)
    assert state(stack, number)["state"] == "cancelled"
    assert no_deadlock_since(stack, before["time"])


def test_a_long_history_is_listed_as_it_is_written(
        stack: Stack, year: list[str], tmp_path: Path) -> None:
    """Live events go first, and the queue stays short."""
    slow = stack.variant(tmp_path, notion__rate="60")
    queue(stack, *ALL_OF_IT, config=slow)
    psql(stack.env, "INSERT INTO job (workspace, kind, resource_id, priority,"
         " run_at) SELECT 'default', 'call', 'ACfull' || n, 10,"
         " now() + interval '1 hour' FROM generate_series(1, 1000) n;")
    try:
        parent = stack.start("ons-process", "--linger")
        event = stack.load("2026-03-30/message.received", stack.fresh())
        stack.send(event)
        until(lambda: stack.rows(
            "SELECT FROM v_pages WHERE resource_id = :'id'"
            " AND page_id IS NOT NULL", id=deliver.resource_id(event)))
        kill(parent)
        assert stack.rows("SELECT FROM resource WHERE id LIKE 'ACyear%'") == []
    finally:
        psql(stack.env, "DELETE FROM job WHERE resource_id LIKE 'ACfull%';")
    stack.process()
    assert pages(stack, "year") == year


# --- what people see ---

def test_it_can_be_followed(stack: Stack, year: list[str]) -> None:
    """Lines in a pipe, a bar on a terminal, a sentence at the end."""
    parent = stack.start("ons-process", "--linger")
    try:
        piped = backfill(stack, *ALL_OF_IT, "--apply", "--follow").stdout
    finally:
        kill(parent)
    lines = piped.splitlines()
    assert re.fullmatch(r"backfill \d+ is queued", lines[0])
    assert lines[-1].endswith(
        "complete: 60 calls and 240 messages, of which 300 were new or had "
        "changed")
    assert "\r" not in piped and "\033" not in piped
    listed = stack.run("onsctl", "backfill", "--list").stdout.splitlines()
    assert listed[1].split()[1] == "complete"

    forget(stack)
    queue(stack, *ALL_OF_IT)
    ours, theirs = pty.openpty()
    shown = subprocess.Popen(
        [Path(stack.env["ONS_BIN"]) / "onsctl", "backfill", "--follow"],
        stdout=theirs, env=clean_environment(ONS_CONFIG=str(stack.config)))
    os.close(theirs)
    try:
        first = os.read(ours, 10000).decode()
        assert re.match(r"\r\[\.{24}\] 0% listed: 0 calls, 0 messages;", first)
        stack.process()
        assert shown.wait(60) == 0
        until(lambda: "complete: 60 calls" in os.read(ours, 100000).decode())
    finally:
        shown.kill()
        os.close(ours)


@pytest.mark.parametrize("args, status, said", [
    (("--since", "yesterday"), 64, "--since: neither a day"),
    (("--since", "2026-02-30"), 64, "--since: neither a day"),
    (("--since", "2026-02-01", "--until", "x"), 64, "--until: neither"),
    (("--since", "2026-02-02", "--until", "2026-02-01"), 64,
     "not before --until"),
    (("--since", "2d", "--until", "3d"), 64, "not before --until"),
    (("--since", "2999-01-01"), 64, "yet to come"),
    (("--since", "2d", "--number", "+15550009999"), 65,
     "none of the workspace's"),
    (("--since", "2d", "--contact", "CTnobody"), 65, "CTnobody is neither"),
    ((), 64, "usage: onsctl backfill"),
    (("--apply",), 64, "usage: onsctl backfill"),
    (("--cancel",), 64, "usage: onsctl backfill"),
    (("--since", "2d", "--cancel", "1"), 64, "usage: onsctl backfill"),
    (("--cancel", "999999"), 65, "there is no backfill 999999"),
    (("--follow", "999999"), 65, "there is no backfill 999999"),
    (("--follow", "x"), 64, "not a whole number"),
])
def test_mistakes_change_nothing(stack: Stack, args: tuple[str, ...],
                                 status: int, said: str) -> None:
    before = stack.count("backfill")
    if args[:1] == ("--since",) and "--cancel" not in args:
        args += ("--apply",)
    done = backfill(stack, *args, expect=status)
    assert said in done.stderr and done.stdout == ""
    assert stack.count("backfill") == before


@pytest.mark.parametrize("key, status, said", [
    ("wrong", 77, "401"), (None, 78, "api_key is missing")])
def test_without_permission_nothing_changes(
        stack: Stack, tmp_path: Path, key: str | None, status: int,
        said: str) -> None:
    before = stack.count("backfill")
    config = stack.variant(tmp_path, openphone__api_key=key)
    done = backfill(stack, "--since", "30d", "--apply", expect=status,
                    config=config)
    assert said in done.stderr
    assert stack.count("backfill") == before


def test_a_list_that_is_refused_is_told_of(stack: Stack) -> None:
    """The other lists go on."""
    history = History(stack)
    history.call(1, "2026-02-01T10:00:00Z")
    wanted = [history.message(1, "2026-02-01T10:00:00Z")]
    number = queue(stack, *RANGE, "--number", history.line)
    stack.control("POST", "/faults", {
        "service": "openphone", "path": "^/calls\\?.*2026-01-3", "status": 400})
    try:
        stack.process()
    finally:
        stack.control("DELETE", "/faults")
    row = state(stack, number)
    assert (row["state"], row["refused"]) == ("incomplete", 1)
    assert pages(stack, history.suffix) == wanted
    done = backfill(stack, "--follow", str(number), expect=75)
    assert "1 lists were refused" in done.stdout
    assert "400" in row["reason"] and f"the reason: {row['reason']}" in (
        done.stdout)


@pytest.mark.parametrize("status, code, said", [
    (400, 65, "400"), (403, 77, "403"), (404, 65, "not to be had")])
def test_a_list_that_is_refused_is_not_counted(
        stack: Stack, status: int, code: int, said: str) -> None:
    """... in what a backfill would do; the others are."""
    history = History(stack)
    history.call(1, "2026-02-01T10:00:00Z")
    history.call(2, "2026-03-30T10:00:00Z")
    history.message(1, "2026-02-01T10:00:00Z")
    wish = (*RANGE, "--number", history.line)
    fault = {"service": "openphone", "status": status, "times": -1}
    stack.control("POST", "/faults",
                  {**fault, "path": "^/calls\\?.*2026-0(4|3-31)"})
    try:
        done = backfill(stack, *wish, expect=75)
        report = json.loads(stack.run("onsctl", "--json", "backfill", *wish,
                                      expect=75).stdout)
        stack.control("POST", "/faults",
                      {**fault, "path": "^/(calls|messages)\\?.*2026-0"})
        none = backfill(stack, *wish, expect=code)
    finally:
        stack.control("DELETE", "/faults")
    assert (report["calls"]["total"], report["messages"]["total"]) == (1, 1)
    refused = report["refused_lists"]
    assert refused > 0 and said in report["reason"]
    assert f"refused {refused} lists, which are not counted: the calls of " \
        f"{history.line}: " in done.stdout
    assert said in none.stderr and none.stdout == ""


@pytest.fixture
def given_up(stack: Stack, tmp_path: Path) -> tuple[History, int, list[str]]:
    """A backfill of which OpenPhone did not give two lists of calls; the jobs
    that were to read them are dead."""
    history = History(stack)
    history.call(1, "2026-02-01T10:00:00Z")
    history.call(2, "2026-03-30T10:00:00Z")
    history.message(1, "2026-02-01T10:00:00Z")
    history.message(2, "2026-03-30T10:00:00Z")
    once = stack.variant(tmp_path, process__max_attempts="1")
    number = queue(stack, *RANGE, "--number", history.line)
    stack.control("POST", "/faults", {
        "service": "openphone", "path": "^/calls\\?", "times": 2,
        "status": 502})
    try:
        stack.run("ons-process", "--drain", config=once)
    finally:
        stack.control("DELETE", "/faults")
    dead = stack.rows("SELECT resource_id FROM v_jobs WHERE state = 'dead'"
                      " AND kind = 'backfill' ORDER BY 1")
    assert len(dead) == 2
    # the others went on
    assert stack.rows("SELECT DISTINCT progress FROM backfill_slice WHERE"
                      " backfill_id = :number AND id::text <> ALL (:'dead')",
                      number=number, dead="{%s,%s}" % tuple(
                          row["resource_id"] for row in dead)) == [
        {"progress": "listed"}]
    assert {f"AC{history.suffix}m{one}" for one in (1, 2)} <= set(
        pages(stack, history.suffix))
    return history, number, [row["resource_id"] for row in dead]


def all_of(history: History) -> list[str]:
    return [f"AC{history.suffix}{one}" for one in ("c1", "c2", "m1", "m2")]


def test_what_was_given_up_is_told_of_and_tried_again(
        stack: Stack, given_up: tuple[History, int, list[str]]) -> None:
    history, number, dead = given_up
    row = state(stack, number)
    assert (row["state"], row["dead"]) == ("incomplete", 2)
    assert "502" in row["reason"]
    done = backfill(stack, "--follow", str(number), expect=75)
    assert f"backfill {number}: incomplete: " in done.stdout
    assert "2 lists failed: onsctl retry --dead --kind backfill" in done.stdout
    assert "given up" not in done.stdout and "502" in done.stdout
    assert "502" in backfill(stack, "--list").stdout
    shown = stack.run("onsctl", "jobs", "--dead", "--kind", "backfill").stdout
    assert [line.split()[:3] for line in shown.splitlines()[1:3]] == [
        ["backfill", one, "dead"] for one in dead]
    shown = stack.run("onsctl", "show", dead[0]).stdout
    assert f"backfill {dead[0]} (calls of backfill {number}, 20" in shown
    assert "502" in shown

    stack.run("onsctl", "retry", "--dead", "--kind", "backfill")
    assert state(stack, number)["state"] == "listing"
    stack.process()
    row = state(stack, number)
    assert (row["state"], row["reason"]) == ("complete", None)
    assert pages(stack, history.suffix) == all_of(history)


def test_what_was_discarded_comes_with_the_next_one(
        stack: Stack, given_up: tuple[History, int, list[str]]) -> None:
    history, number, dead = given_up
    stack.run("onsctl", "discard", "--yes", *dead)
    row = state(stack, number)
    assert (row["state"], row["dead"], row["reason"]) == (
        "incomplete", 0,
        "the reading of a list was given up (onsctl discard)")
    backfill(stack, "--follow", str(number), expect=75)
    shown = stack.run("onsctl", "show", dead[0]).stdout
    assert f"(calls of backfill {number}, " in shown and "discarded" in shown
    stack.process()
    assert len(pages(stack, history.suffix)) < 4

    again = queue(stack, *RANGE, "--number", history.line)
    stack.process()
    assert state(stack, again)["state"] == "complete"
    assert state(stack, number)["state"] == "incomplete"
    assert pages(stack, history.suffix) == all_of(history)
