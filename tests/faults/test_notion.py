"""Notion fails in all ways it has, and its queries lag behind: no page is
doubled or lost, and no block."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from clock import conf, faster, seconds
from disturbance import (ANY, CLIENT_GIVES_UP, NOTION, SAVED,
                         SERVICE_GIVES_UP, WAITS, all_struck, disturbed)
from integration import Stack, psql, until
from invariants import (acknowledged_is_stored, difference,
                        logs_are_discreet, nobody_was_refused,
                        nothing_is_stuck, openphone_id)
from ledger import Ledger
from life import changed, plain
from processor import Cron, finish
from report import REPORT, Row

BATCH = 2000  # more pages at a time would make the sandbox's queries slow
Json = dict[str, Any]

# Done after the answer that it was not: an edge gives up, the origin does not.
LATE: dict[str, Json] = {
    "504, done later": {"status": 504, "late": seconds(SERVICE_GIVES_UP)},
    "reset, done later": {"drop": "before", "late": seconds(20)},
}


@pytest.fixture(autouse=True)
def lag(stack: Stack) -> Iterator[None]:
    """Each page stays hidden from queries for up to a minute."""
    stack.control("POST", "/lag", {"seconds": seconds(60), "spread": True})
    yield
    stack.control("POST", "/lag", {"seconds": 0})


@pytest.fixture
def config(stack: Stack, tmp_path: Path) -> Path:
    """So many failures as there are here would use up any usual number of
    attempts."""
    return stack.variant(tmp_path, process__max_attempts="1000",
                         notion__timeout=conf(CLIENT_GIVES_UP))


# What is only to be tried again need not wait: that proves nothing more.
RETRY = """UPDATE job SET run_at = now() WHERE run_at > now()
 AND lease_by IS NULL AND error_kind = 'retry';"""


def wait(stack: Stack, limit: float = 600) -> float:
    """Until no job is left. How long it took."""
    began = time.monotonic()
    while stack.rows("SELECT FROM job LIMIT 1"):
        psql(stack.env, RETRY)
        assert time.monotonic() < began + limit, stack.rows(
            "SELECT resource_id, attempts, error_kind, last_error FROM job"
            " LIMIT 5")
        time.sleep(0.2)
    return time.monotonic() - began


def by_id(stack: Stack) -> dict[str, list[Json]]:
    """The live pages of each call or message."""
    found: dict[str, list[Json]] = {}
    for page in stack.control("GET", "/notion/pages"):
        if not page["in_trash"] and (key := openphone_id(page)):
            found.setdefault(key, []).append(page)
    return found


def compare(pages: dict[str, list[Json]], wanted: dict[str, Json],
            row: Row) -> list[str]:
    """One page for each id, and that as it should be."""
    problems = []
    for key, page in wanted.items():
        found = pages.get(key, [])
        row.lost += not found
        row.doubled += max(0, len(found) - 1)
        if len(found) != 1:
            problems.append(f"{key} has {len(found)} pages")
            continue
        have = plain(found[0], key.rpartition("-")[2])
        if have != page:
            row.doubled += len(have["children"]) > len(page["children"])
            row.lost += len(have["children"]) < len(page["children"])
            problems.append(f"{key} differs:\n{difference(page, have)}")
    return problems


def throw_away(stack: Stack, pages: dict[str, list[Json]],
               keys: dict[str, Json]) -> None:
    for key in keys:
        for page in pages.get(key, []):
            stack.control("POST", f"/notion/pages/{page['id']}/trash", {})


def rest(stack: Stack, ledger: Ledger, row: Row) -> list[str]:
    row.acknowledged = len(ledger.acknowledged)
    return (acknowledged_is_stored(stack, ledger, row)
            + nothing_is_stuck(stack, row) + nobody_was_refused(ledger)
            + logs_are_discreet(stack, ledger))


def undisturbed(stack: Stack, phases: list[list[Json]], key: str) -> Json:
    """The page when nothing fails."""
    for events in phases:
        stack.send(*events)
        stack.process()
    return plain(stack.page(key), key.rpartition("-")[2])


# --- creation -----------------------------------------------------------------

def message(stack: Stack) -> Json:
    return stack.load("2026-03-30/message.received", stack.fresh())


def test_creations(stack: Stack, ledger: Ledger, rng: random.Random,
                   full: bool, config: Path) -> None:
    """Many creations fail, a third in the long form, and of every second of
    those the page is there; looks for them fail, too."""
    row = REPORT.row("Notion fails, creations")
    event = message(stack)
    page = undisturbed(stack, [[event]], event["data"]["resource"]["id"])
    struck: Counter[str] = Counter()
    problems: list[str] = []
    seen: set[str] = set()
    for _ in range(10000 // BATCH if full else 1):
        events = [message(stack) for _ in range(BATCH if full else 200)]
        wanted = {one["data"]["resource"]["id"]: page for one in events}
        with faster(stack), Cron(stack, "--linger", "--workers", "8",
                                 config=config), \
                disturbed(stack.control) as faults:
            faults.add(WAITS, 0.03, rng, service="notion")
            faults.add({**NOTION, **SAVED, **LATE}, 0.35 if full else 0.15,
                       rng, service="notion", method="POST",
                       path=r"^/v1/pages$")
            faults.add(ANY, 0.15, rng, service="notion", path=r"/query(\?|$)")
            ledger.deliver(events, connections=8)
            row.recovery.append(wait(stack))
        time.sleep(seconds(SERVICE_GIVES_UP))  # what may be done late
        row.runs += len(events)
        struck.update(faults.struck)
        pages = by_id(stack)
        problems += compare(pages, wanted, row)
        problems += [f"{key} came later" for key in seen & pages.keys()]
        seen |= wanted.keys()
        throw_away(stack, pages, wanted)
    finish(stack, config)
    problems += rest(stack, ledger, row)
    row.judge(problems)
    all_struck(struck, full)


# --- appends ------------------------------------------------------------------

def grown(stack: Stack) -> list[list[Json]]:
    """A call whose parts come one after the other, and change: each phase is
    an append or more. Its transcript is long enough for several requests."""
    suffix = stack.fresh()

    def load(name: str) -> Json:
        return stack.load(f"2026-03-30/{name}", suffix)

    summary, transcript = load("call.summary.completed"), \
        load("call.transcript.completed")
    dialogue = transcript["data"]["resource"]["dialogue"]
    dialogue *= 210 // len(dialogue)
    return [[load("call.completed")], [summary],
            [load("call.voicemail.completed")],
            [changed(summary, 17, "The posters are ready now.")],
            [transcript]]


def appends(record: Path, since: int) -> int:
    """How many were sent."""
    with open(record, encoding="utf-8") as file:
        file.seek(since)
        return sum(one["method"] == "PATCH" and "/children" in one["path"]
                   for one in map(json.loads, file))


def test_appends(stack: Stack, ledger: Ledger, rng: random.Random,
                 full: bool, config: Path) -> None:
    """The same for what is written to pages that are there: sections come,
    change and go."""
    row = REPORT.row("Notion fails, appends")
    record = Path(stack.env["SANDBOX_RECORD"])
    before = record.stat().st_size
    one = grown(stack)
    key = one[0][0]["data"]["resource"]["id"]
    page = undisturbed(stack, one, key)
    struck: Counter[str] = Counter()
    problems: list[str] = []
    for _ in range(8 if full else 1):
        calls = [grown(stack) for _ in range(300 if full else 5)]
        wanted = {call[0][0]["data"]["resource"]["id"]: page for call in calls}
        with faster(stack), Cron(stack, "--linger", "--workers", "8",
                                 config=config), \
                disturbed(stack.control) as faults:
            faults.add(WAITS, 0.03, rng, service="notion")
            faults.add({**NOTION, **SAVED, **LATE}, 0.3, rng, service="notion",
                       method="PATCH", path=r"/children(\?|$)")
            faults.add(NOTION, 0.2, rng, service="notion", method="GET",
                       path=r"/children(\?|$)")
            faults.add(NOTION, 0.2, rng, service="notion", method="PATCH",
                       path=r"^/v1/pages/")
            faults.add(NOTION, 0.2, rng, service="notion", method="DELETE")
            for phase in zip(*calls):
                ledger.deliver([event for events in phase for event in events],
                               connections=8)
                row.recovery.append(wait(stack))
        struck.update(faults.struck)
        pages = by_id(stack)
        problems += compare(pages, wanted, row)
        throw_away(stack, pages, wanted)
    row.runs = appends(record, before)
    finish(stack, config)
    problems += rest(stack, ledger, row)
    row.judge(problems)
    all_struck(struck, full)


@pytest.mark.parametrize("late", LATE)
def test_an_append_that_comes_late(stack: Stack, ledger: Ledger, config: Path,
                                   late: str) -> None:
    """A delivery brings the job forward before the blocks come that we were
    told had not."""
    row = REPORT.row(f"an append: {late}")
    one, call = grown(stack), grown(stack)
    key, wanted = (phases[0][0]["data"]["resource"]["id"]
                   for phases in (one, call))
    # the transcript's blocks come after some that stay
    page = undisturbed(stack, [*one[:3], one[4], one[3]], key)
    with faster(stack), Cron(stack, "--linger", "--workers", "2",
                             config=config):
        for phase in call[:3]:
            ledger.deliver(phase)
            wait(stack)
        stack.control("POST", "/faults", {
            **LATE[late], "service": "notion", "method": "PATCH",
            "path": r"/children(\?|$)"})
        ledger.deliver(call[4])
        until(lambda: not any(fault["times"] for fault
                              in stack.control("GET", "/faults")))
        ledger.deliver(call[3])
        row.recovery.append(wait(stack))
        time.sleep(seconds(SERVICE_GIVES_UP))
    stack.control("DELETE", "/faults")
    finish(stack, config)
    row.runs += 1
    row.judge(compare(by_id(stack), {wanted: page}, row)
              + rest(stack, ledger, row))
