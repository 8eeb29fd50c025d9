"""A worker that stands still for longer than its lease, at any fail point:
another one does its job, and later it comes back."""

from __future__ import annotations

import os
import random
import signal
from collections import Counter
from pathlib import Path

import pytest
from failpoints import Failpoints
from integration import Stack, until
from invariants import check
from ledger import Ledger
from life import Life, Reference
from processor import Cron, finish, settle
from report import REPORT

TOGETHER = 10  # workers that stand still at the same time
IDLE = "ons-process:worker.idle"
# Passed while no job is held, or by the parent, too.
OUTSIDE = ("parent.", "worker.", "run.", "job.finished", "db.")


@pytest.fixture(scope="module")
def passed(stack: Stack, reference: Reference,
           all_failpoints: Failpoints) -> list[list[str]]:
    """What a job passes, phase by phase of a life."""
    life = Life(stack)
    found = []
    with Cron(stack):
        for phase in life.phases[:2]:
            all_failpoints.trace()
            stack.send(*phase)
            settle(stack)
            traced: Counter[str] = all_failpoints.traced()
            found.append(sorted(
                place for place in traced
                if place.startswith("ons-process:")
                and not place.partition(":")[2].startswith(OUTSIDE)))
    return found


def stopped(pids: list[int]) -> list[int]:
    found = []
    for pid in pids:
        stat = Path(f"/proc/{pid}/stat").read_text()
        if stat.rpartition(")")[2].split()[0] == "T":
            found.append(pid)
    return found


def test_stopped_before_it_works(stack: Stack, failpoints: Failpoints) -> None:
    """It is in the table of runs already, and leaves it."""
    failpoints.arm("ons-process:run.begun", "sleep", ms=1000)
    child = stack.start("ons-process", "--linger", "--workers", "1")
    until(lambda: failpoints.fired("ons-process:run.begun"))
    child.terminate()
    child.communicate(timeout=30)
    assert child.returncode == 0
    assert stack.rows("SELECT FROM run") == []


def overtaken(stack: Stack, ledger: Ledger, failpoints: Failpoints,
              config: Path, places: dict[str, int], phase: int) -> list[Life]:
    """Stop a worker at the nth passing of each place in that phase of as many
    lives; others do its job, and with the next phase's events, too. Then it
    goes on, and what comes after that finds what it has left."""
    lives = [Life(stack) for _ in places]
    workers = str(len(places) + 2)
    with Cron(stack, "--linger", "--workers", workers, config=config) as cron:
        for earlier in range(phase):
            ledger.deliver([e for life in lives for e in life.phases[earlier]])
            settle(stack)
        for place, nth in places.items():
            failpoints.arm(place, "stop", nth)
        for later in (phase, phase + 1):
            ledger.deliver([e for life in lives for e in life.phases[later]])
        until(lambda: all(map(failpoints.fired, places)))
        settle(stack)  # not before their leases have run out
        late = stopped(cron.workers())
        assert len(late) == len(places)
        failpoints.arm(IDLE, "stop", nth=0)
        for pid in late:
            os.kill(pid, signal.SIGCONT)
        until(lambda: set(late) <= set(stopped(cron.workers())))
        failpoints.clear()
        for pid in cron.workers():
            os.kill(pid, signal.SIGCONT)
        for later in range(phase + 2, len(lives[0].phases)):
            ledger.deliver([e for life in lives for e in life.phases[later]])
            settle(stack)
    return lives


def test_overtaken_anywhere(stack: Stack, ledger: Ledger,
                            reference: Reference, failpoints: Failpoints,
                            passed: list[list[str]], rng: random.Random,
                            full: bool, tmp_path: Path) -> None:
    row = REPORT.row("stopped, and overtaken")
    config = stack.variant(tmp_path, process__lease="5s")
    lives = []
    for phase, all_places in enumerate(passed):
        places = list(all_places)
        rng.shuffle(places)
        for first in range(0, len(places) if full else 1, TOGETHER):
            # requests are all alike to these places: any of them
            these = {place: rng.randint(1, 3 * TOGETHER)
                     if place.startswith("ons-process:http.") else 1
                     for place in places[first:first + TOGETHER]}
            print(phase, these, flush=True)
            lives += overtaken(
                stack, ledger, failpoints, config, these, phase)
            row.runs += len(these)
    finish(stack, config)
    check(stack, ledger, reference, lives, row)
