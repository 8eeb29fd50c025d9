"""OpenPhone, its media host and the storage fail in all their ways: what can be
had is stored once, the rest is said, and every page comes to be."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import deliver
import pytest
from clock import conf, faster, seconds
from disturbance import ANY, READING, WAITS, all_struck, disturbed
from integration import Stack, children, request, texts, until
from invariants import check, objects_are_referenced
from ledger import Ledger
from life import Life, Reference
from processor import Cron, finish, settle
from relay import relay
from report import REPORT, Row
from test_many import clock

Json = dict[str, Any]


class Recorded(Life):
    """A life whose recording is at an address that has expired, or that is not
    found any more; the API has one that is good."""

    def __init__(self, stack: Stack, old: str) -> None:
        super().__init__(stack)
        for event in self.events:
            if event["type"] == "call.recording.completed":
                self._lose(stack, event["data"]["resource"], old)

    def _lose(self, stack: Stack, resource: Json, old: str) -> None:
        stack.control("POST", "/openphone/calls", {"id": resource["id"]})
        for recording in resource["recordings"]:
            recording["id"] += f"-{self.suffix}"
            stack.control("POST", "/openphone/recordings", {
                "id": recording["id"], "callId": resource["id"],
                "url": recording["url"]})
            recording["url"] = f"{stack.env['SANDBOX_MEDIA']}/{old}/a.mp3"


def some(stack: Stack, number: int) -> list[Life]:
    """Lives of all sorts."""
    sorts = [lambda: Life(stack), lambda: Recorded(stack, "expired"),
             lambda: Recorded(stack, "gone")]
    return [sorts[n % 3]() for n in range(number)]


def live(stack: Stack, ledger: Ledger, lives: list[Life], row: Row,
         limit: float = 300) -> None:
    """All of them at once, phase by phase."""
    for phase in zip(*(life.phases for life in lives)):
        ledger.deliver([event for events in phase for event in events],
                       connections=8)
        row.recovery.append(settle(stack, limit))
    row.runs += len(lives)


def patient(stack: Stack, folder: Path, **changes: str) -> Path:
    """So many failures would use up any usual number of attempts."""
    return stack.variant(folder, process__max_attempts="1000",
                         openphone__timeout=conf(35), **changes)


def test_openphone_and_media_fail(stack: Stack, ledger: Ledger,
                                  reference: Reference, rng: random.Random,
                                  full: bool, tmp_path: Path) -> None:
    row = REPORT.row("OpenPhone and media fail")
    config = patient(stack, tmp_path, media__timeout="1s")
    lives = some(stack, 300 if full else 3)
    with faster(stack), Cron(stack, "--linger", "--workers", "8",
                             config=config), \
            disturbed(stack.control) as faults:
        faults.add(WAITS, 0.03, rng, service="openphone")
        faults.add(READING, 0.3, rng, service="openphone")
        faults.add(READING, 0.3, rng, service="media")
        live(stack, ledger, lives, row)
    finish(stack)
    check(stack, ledger, reference, lives, row)
    all_struck(faults.struck, full)


def test_storage_fails(stack: Stack, ledger: Ledger, reference: Reference,
                       rng: random.Random, full: bool,
                       tmp_path: Path) -> None:
    """Also after it has done what it says it has not, or the reverse."""
    row = REPORT.row("storage fails")
    kinds = {name: fault for name, fault in ANY.items()
             if not name.startswith("time-out")}  # fixed: half a minute
    with relay(stack.env["S3_ENDPOINT"]) as (service, url):
        config = patient(stack, tmp_path, s3__endpoint=url)
        lives = some(stack, 200 if full else 3)
        with faster(stack), Cron(stack, "--linger", "--workers", "8",
                                 config=config), \
                disturbed(service.control) as faults:
            faults.add(kinds, 0.4, rng, service="s3")
            live(stack, ledger, lives, row)
    finish(stack)
    check(stack, ledger, reference, lives, row)
    all_struck(faults.struck, full)


# --- a body without an end ----------------------------------------------------

def test_a_recording_without_an_end(stack: Stack, tmp_path: Path) -> None:
    """It is cut off at the limit; its page is made, and says so."""
    row = REPORT.row("endless recording")
    config = stack.variant(tmp_path, media__max_size="1M")
    event = stack.load("2026-03-30/call.recording.completed", stack.fresh())
    key = deliver.resource_id(event)
    stack.control("POST", "/faults", {
        "service": "media", "endless": True, "times": -1})
    stack.send(event)
    stack.run("ons-process", "--drain", config=config)
    stack.control("DELETE", "/faults")
    [media] = stack.rows("SELECT state FROM v_media WHERE resource_id = :'id'",
                         id=key)
    assert media["state"] == "refused"
    assert "could not be copied" in texts(stack.page(key))
    assert not objects_are_referenced(stack, row)
    row.runs += 1


# --- servers that stand still -------------------------------------------------

def pids(stack: Stack, part: str) -> list[int]:
    """Of the process that the stack started under this name, and its own."""
    pid = int((stack.state / "pids" / part).read_text().split()[0])
    return [pid, *children(pid)]


@contextlib.contextmanager
def stopped(stack: Stack, part: str) -> Iterator[None]:
    found = pids(stack, part)
    for pid in found:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in found:
            os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize("part", ["swift-proxy", "swift-object", "sandbox"])
def test_a_server_stands_still(stack: Stack, ledger: Ledger,
                               reference: Reference, rng: random.Random,
                               full: bool, tmp_path: Path, part: str) -> None:
    """In the long form for longer than a lease: another worker may have taken
    the job when it goes on."""
    if not full and part == "swift-object":
        pytest.skip("as the proxy does: make check-faults")
    row = REPORT.row(f"{part} stands still")
    config = patient(stack, tmp_path, process__lease="5s",
                     notion__timeout=conf(40))
    lives: list[Life] = []
    with faster(stack), Cron(stack, "--linger", "--workers", "4",
                             config=config):
        for _ in range(10 if full else 1):
            lives += (more := some(stack, 6 if full else 3))
            for phase in zip(*(life.phases for life in more)):
                ledger.deliver([event for events in phase for event in events],
                               connections=8)
                time.sleep(rng.uniform(0, 0.3))
                with stopped(stack, part):
                    # Notion takes no more than a minute for anything
                    time.sleep(seconds(60) if part == "sandbox" else
                               rng.uniform(2, 8) if full else 1)
                row.recovery.append(settle(stack, 300))
                row.runs += 1
    finish(stack)
    check(stack, ledger, reference, lives, row)


# --- clocks -------------------------------------------------------------------

def recorded(stack: Stack) -> tuple[Json, str]:
    """A call with a recording, and its id."""
    event = stack.load("2026-03-30/call.recording.completed", stack.fresh())
    return event, deliver.resource_id(event)


def media_of(stack: Stack, key: str) -> list[Json]:
    return stack.rows("SELECT state, token FROM media"
                      " WHERE resource_id = :'id'", id=key)


def portal(stack: Stack, path: str, by: str) -> dict[str, str]:
    """What ons-portal as CGI program answers on a host whose clock is off."""
    done = stack.run("ons-portal", env={
        **clock(by), "REQUEST_METHOD": "GET", "SCRIPT_NAME": path,
        "REQUEST_URI": path, "DOCUMENT_URI": path})
    head = done.stdout.partition("\r\n\r\n")[0]
    return dict(line.split(": ", 1) for line in head.split("\r\n"))


@pytest.mark.parametrize("by", ["+5m", "-5m"])
def test_links_of_a_host_whose_clock_is_off(stack: Stack, by: str) -> None:
    row = REPORT.row(f"links signed by a clock {by}")
    event, key = recorded(stack)
    stack.send(event)
    stack.process()
    [media] = media_of(stack, key)
    answer = portal(stack, f"/r/{media['token']}", by)
    assert answer["Status"].startswith("302"), answer
    assert request(answer["Location"]).status == 200
    row.runs += 1


@pytest.mark.parametrize("by", ["+20m", "-20m"])
def test_a_clock_too_far_off_for_the_storage(stack: Stack, full: bool,
                                             by: str) -> None:
    """It refuses what is signed then. The page is made all the same, and the
    recording follows once the clock is right."""
    if not full and by == "-20m":
        pytest.skip("the other direction: make check-faults")
    row = REPORT.row(f"storage refuses a clock {by}")
    event, key = recorded(stack)
    stack.send(event)
    with faster(stack):
        stack.run("ons-process", "--drain", env=clock(by), expect=None)
        assert media_of(stack, key) == []
        assert stack.page(key)
        until(lambda: finish(stack) or not stack.rows("SELECT FROM job"))
    assert [media["state"] for media in media_of(stack, key)] == ["stored"]
    assert "/r/" in str(stack.page(key)["children"])
    assert not objects_are_referenced(stack, row)
    row.runs += 1
