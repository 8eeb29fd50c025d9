"""onsctl events: what came in, and what became of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import deliver
import pytest
from conftest import Stack, psql

pytestmark = pytest.mark.sanitize

# the type, kind, outcome and age of deliveries, the oldest first
GIVEN = (
    ("call.completed", "call", "done", "3 days"),
    ("call.completed", "call", "failed", "2 days"),
    ("message.received", "message", "waiting", "20 hours"),
    ("message.delivered", "message", "discarded", "2 hours"),
    ("task.created", "task", "kept", "1 hour"),
)


@pytest.fixture
def five(stack: Stack) -> Iterator[list[str]]:
    """Ids of what the deliveries are about, the oldest first."""
    stack.process()
    ids = [f"EV{stack.fresh()}" for _ in GIVEN]
    for id_, (type_, kind, outcome, age) in zip(ids, GIVEN):
        psql(stack.env, f"""
            INSERT INTO event (workspace, delivery_key, event_id, type,
                               generation, kind, resource_id, received_at, note)
            VALUES ('default', 'D{id_}', 'E{id_}', '{type_}', 3, '{kind}',
                    '{id_}', now() - interval '{age}',
                    {"'no page'" if outcome == "kept" else "NULL"});""")
        if outcome in ("failed", "waiting"):
            psql(stack.env, "INSERT INTO job (workspace, kind, resource_id,"
                 f" dead) VALUES ('default', '{kind}', '{id_}',"
                 f" {outcome == 'failed'});")
        if outcome == "discarded":
            psql(stack.env, "INSERT INTO job_done (workspace, kind,"
                 " resource_id, outcome, attempts, due_at) VALUES"
                 f" ('default', '{kind}', '{id_}', 'discarded', 1, now());")
    yield ids
    psql(stack.env, "DELETE FROM job WHERE resource_id LIKE 'EV%';"
         " DELETE FROM job_done WHERE resource_id LIKE 'EV%';"
         " DELETE FROM event WHERE resource_id LIKE 'EV%';")


def events(stack: Stack, *args: str) -> list[dict[str, Any]]:
    said = json.loads(stack.run("onsctl", "--json", "events", *args).stdout)
    return list(said["events"])


def found(stack: Stack, ids: list[str], *args: str) -> list[int]:
    """Which of the five, in the order in which they are listed."""
    return [ids.index(one["resource_id"]) for one in events(
        stack, "--limit", "100000", *args) if one["resource_id"] in ids]


@pytest.mark.parametrize("args, which", [
    ([], [0, 1, 2, 3, 4]),
    (["--type", "call.completed"], [0, 1]),
    (["--kind", "message"], [2, 3]),
    (["--kind", "task"], [4]),
    (["--outcome", "done"], [0]), (["--outcome", "failed"], [1]),
    (["--outcome", "waiting"], [2]), (["--outcome", "discarded"], [3]),
    (["--outcome", "kept"], [4]),
    (["--since", "36h"], [2, 3, 4]), (["--until", "36h"], [0, 1]),
    (["--since", "60h", "--until", "3h"], [1, 2]),
    (["--kind", "call", "--outcome", "failed", "--since", "60h"], [1]),
    (["--kind", "contact", "--type", "call.completed"], []),
])
def test_a_choice(stack: Stack, five: list[str], args: list[str],
                  which: list[int]) -> None:
    assert found(stack, five, *args) == which


def test_the_newest_of_many(stack: Stack, five: list[str]) -> None:
    """Newer than what other tests have sent."""
    psql(stack.env, "UPDATE event SET received_at = received_at + interval"
                    " '10 years' WHERE resource_id LIKE 'EV%';")
    assert [one["resource_id"] for one in events(stack, "--limit", "2")] \
        == five[3:]
    [one] = events(stack, "--limit", "1", "--kind", "call")
    assert one["resource_id"] == five[1]


def test_those_of_one(stack: Stack, five: list[str]) -> None:
    for given in (five[1], "D" + five[1]):
        [one] = events(stack, given)
        assert one["delivery_id"] == "D" + five[1]
        assert one["event_id"] == "E" + five[1]
        assert (one["type"], one["kind"], one["outcome"]) == GIVEN[1][:3]
        assert one["generation"] == 3 and isinstance(one["id"], int)
        assert one["note"] is None and one["received_at"]
    assert events(stack, "nobody") == []
    assert stack.run("onsctl", "events", "nobody").stdout \
        == "no such deliveries\n"


def test_for_people(stack: Stack, five: list[str]) -> None:
    head, *lines = stack.run(
        "onsctl", "events", "--since", "30h",
        "--limit", "100000").stdout.splitlines()
    assert head.split() == ["RECEIVED", "TYPE", "ID", "OUTCOME", "NOTE"]
    ours = [line for line in lines if "EV" in line]
    for line, id_, (type_, _, outcome, _) in zip(ours, five[2:], GIVEN[2:]):
        assert line.split()[2:5] == [type_, id_, outcome]
    assert ours[-1].endswith("no page")


def test_a_real_one(stack: Stack) -> None:
    event = stack.load("2026-03-30/message.received", stack.fresh())
    stack.send(event)
    key = deliver.resource_id(event)
    assert [one["outcome"] for one in events(stack, key)] == ["waiting"]
    stack.process()
    assert [one["outcome"] for one in events(stack, key)] == ["done"]


@pytest.mark.parametrize("args, said", [
    (["--kind", "calls"], "--kind: calls is none of call message"),
    (["--outcome", "good"], "--outcome: good is none of waiting done"),
    (["--limit", "0"], "--limit"), (["--since", "soon"], "--since"),
    (["--until", "1w", "--since", "1d"], "not before --until"),
    (["a", "b"], "usage: onsctl events"),
])
def test_usage(stack: Stack, args: list[str], said: str) -> None:
    done = stack.run("onsctl", "events", *args, expect=64)
    assert said in done.stderr and done.stdout == ""
