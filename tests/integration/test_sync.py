"""What ons-process writes, when, and under which name and title."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Stack, psql, texts, title

import deliver

pytestmark = pytest.mark.sanitize

LIFE = ("call.completed", "call.recording.completed",
        "call.transcript.completed", "call.summary.completed")


def requests_to_notion(stack: Stack) -> int:
    return sum(stack.control("GET", "/stats")["counts"]["notion"].values())


def make_due(stack: Stack, key: str) -> None:
    """As if the time to wait were over."""
    psql(stack.env, "UPDATE job SET run_at = now() WHERE resource_id = :'id';",
         id=key)


@pytest.mark.parametrize("generation", ["v2", "v3", "v4", "2026-03-30"])
def test_a_settled_call_costs_one_request(stack: Stack, tmp_path: Path,
                                          generation: str) -> None:
    """The processor is at work after every event, and waits."""
    patient = stack.variant(tmp_path, sync__settle="1h")
    stack.process()
    suffix = stack.fresh()
    events = [stack.load(f"{generation}/{name}", suffix) for name in LIFE]
    key = deliver.resource_id(events[0])
    before = requests_to_notion(stack)
    for event in events:
        stack.send(event)
        stack.run("ons-process", "--drain", config=patient)
        [job] = stack.rows("SELECT * FROM v_jobs WHERE resource_id = :'id'",
                           id=key)
        assert (job["state"], job["attempts"]) == ("waiting", 0)
        assert "settle" in job["last_error"]
    assert requests_to_notion(stack) == before
    assert stack.rows("SELECT events FROM v_calls WHERE call_id = :'id'",
                      id=key) == [{"events": 4}]
    make_due(stack, key)
    stack.process()
    assert requests_to_notion(stack) == before + 1
    assert "Transcript" in texts(stack.page(key))


def test_a_call_settles_by_itself(stack: Stack, tmp_path: Path) -> None:
    """A short wait is waited for; what has a page does not wait any more."""
    brief = stack.variant(tmp_path, sync__settle="2s")
    suffix = stack.fresh()
    events = [stack.load(f"2026-03-30/{name}", suffix) for name in LIFE]
    key = deliver.resource_id(events[0])
    stack.send(events[0])
    stack.run("ons-process", "--drain", config=brief)
    assert stack.page(key)
    stack.send(*events[1:])
    stack.run("ons-process", "--drain", config=stack.variant(
        tmp_path, sync__settle="1h"))
    assert "Transcript" in texts(stack.page(key))


def test_messages_do_not_settle(stack: Stack, tmp_path: Path) -> None:
    event = stack.load("2026-03-30/message.received", stack.fresh())
    stack.send(event)
    stack.run("ons-process", "--drain", config=stack.variant(
        tmp_path, sync__settle="1h"))
    assert stack.page(deliver.resource_id(event))


def test_titles_by_templates(stack: Stack, tmp_path: Path) -> None:
    config = stack.variant(
        tmp_path, notion__call_title="{date} {outcome}: {who} ({line})",
        notion__message_title="{direction} {{{text}}}")
    events = [stack.load(f"2026-03-30/{name}", stack.fresh())
              for name in ("call.completed", "message.received")]
    stack.send(*events)
    stack.run("ons-process", "--drain", config=config)
    shown = [title(stack.page(deliver.resource_id(event)))
             for event in events]
    assert shown == ["2026-04-13 Answered: Jane Doe (Main)",
                     "incoming {Is the shop open on Easter Monday? 🐣}"]
