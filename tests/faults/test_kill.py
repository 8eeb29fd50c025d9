"""kill -9 of the responder and of the processor, at every fail point."""

from __future__ import annotations

import random
import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from database import Database
from failpoints import Failpoints
from integration import TOP, Stack, until
from invariants import check
from ledger import Ledger
from life import Life, Reference
from processor import Cron, finish, settle
from report import REPORT, Row
from test_told import SENT

TOGETHER = 12  # places that are armed at the same time, where one is not alone


@dataclass
class Setting:
    """A configuration, and what an undisturbed life passes with it and how
    often: so a new fail point is covered by itself."""

    name: str
    config: Path | None
    reference: Reference
    passed: Counter[str]


@pytest.fixture(scope="module")
def settings(stack: Stack, reference: Reference, all_failpoints: Failpoints,
             tmp_path_factory: pytest.TempPathFactory) -> list[Setting]:
    folder = stack.state / "media"
    folder.mkdir(exist_ok=True)
    uploads = stack.variant(
        tmp_path_factory.mktemp("uploads"), media__link="notion",
        media__base_url=None, media__store="file", media__folder=str(folder),
        s3__endpoint=None, s3__bucket=None, s3__access_key=None,
        s3__secret_key=None)
    made = []
    for name, config, pages in (
            ("links to a bucket", None, reference),
            ("files in Notion", uploads, Reference(stack, uploads))):
        all_failpoints.trace()
        live(stack, Ledger(stack), Life(stack), config)
        made.append(Setting(name, config, pages, all_failpoints.traced()))
    return made


def live(stack: Stack, ledger: Ledger, life: Life,
         config: Path | None) -> float:
    """All of a life, phase by phase, with the processor at work. How long it
    took until the longest phase was done."""
    times = []
    with Cron(stack, config=config):
        for phase in life.phases:
            began = time.monotonic()
            ledger.deliver(phase)
            settle(stack)
            times.append(time.monotonic() - began)
    return max(times)


class Rounds:
    """Lives with places armed, and what came of them."""

    def __init__(self, stack: Stack, ledger: Ledger,
                 failpoints: Failpoints, config: Path | None,
                 row: Row) -> None:
        self.stack = stack
        self.ledger = ledger
        self.failpoints = failpoints
        self.config = config
        self.row = row
        self.lives: list[Life] = []
        self.fired: set[str] = set()

    def run(self, order: dict[str, int]) -> None:
        """Kill at the nth passing of each place."""
        life = Life(self.stack)
        self.lives.append(life)
        print(life.suffix, order, flush=True)
        for place, nth in order.items():
            self.failpoints.arm(place, nth=nth)
        self.row.recovery.append(
            live(self.stack, self.ledger, life, self.config))
        fired = {place for place in order if self.failpoints.fired(place)}
        self.fired |= fired
        self.row.runs += len(fired)
        self.failpoints.clear()


def orders(passed: Counter[str], alone: set[str], rng: random.Random,
           full: bool) -> Iterator[dict[str, int]]:
    """What to arm, round by round: place -> nth. Each place with others, at
    any of its passings; in the long form some of them alone before that."""
    places = sorted(passed)
    for place in sorted(alone) if full else []:
        for nth in sorted({1, (passed[place] + 1) // 2, passed[place]}):
            yield {place: nth}
    for _ in range(10 if full else 1):
        rng.shuffle(places)
        for first in range(0, len(places), TOGETHER):
            yield {place: rng.randint(1, passed[place])
                   for place in places[first:first + TOGETHER]}


@pytest.mark.parametrize("which", [0, 1], ids=["links", "uploads"])
def test_killed_anywhere(stack: Stack, ledger: Ledger, failpoints: Failpoints,
                         settings: list[Setting], which: int,
                         rng: random.Random, full: bool) -> None:
    setting = settings[which]
    # of the second first of all what the first does not pass
    new = set(setting.passed) - (set(settings[0].passed) if which else set())
    passed = setting.passed if full else Counter(
        {place: setting.passed[place] for place in new})
    row = REPORT.row(f"kill -9, {setting.name}")
    rounds = Rounds(stack, ledger, failpoints, setting.config, row)
    for order in orders(passed, new, rng, full):
        rounds.run(order)
    # how often a place is passed depends on who is faster
    for place in sorted(set(passed) - rounds.fired):
        rounds.run({place: 1})
        assert place in rounds.fired
    finish(stack, setting.config)
    check(stack, ledger, setting.reference, rounds.lives, row)


# --- places that are passed only when something has gone wrong before ---------

def provoke(stack: Stack, failpoints: Failpoints, tmp_path: Path,
            place: str) -> Path | None:
    """See to it that the place is passed; the configuration that it needs."""
    if place == "page.looked":
        failpoints.arm("ons-process:page.created")
    elif place in ("parent.reaping", "run.reaping"):
        failpoints.arm("ons-process:job.claimed")
    elif place == "job.extended":  # after a quarter of the lease
        failpoints.arm("ons-process:page.creating", "sleep", ms=1500)
        return stack.variant(tmp_path, process__lease="5s")
    else:
        stack.control("POST", "/faults", {
            "service": "notion", "method": "POST", "path": "pages",
            "status": 500})
    return None


PROVOKED = ("page.looked", "parent.reaping", "run.reaping", "job.extended",
            "job.failing", "job.failed")


def test_killed_while_recovering(stack: Stack, ledger: Ledger,
                                 reference: Reference, failpoints: Failpoints,
                                 tmp_path: Path) -> None:
    row = REPORT.row("kill -9 while recovering")
    rounds = Rounds(stack, ledger, failpoints, None, row)
    for place in PROVOKED:
        rounds.config = provoke(stack, failpoints, tmp_path, place)
        rounds.run({f"ons-process:{place}": 1})
        assert f"ons-process:{place}" in rounds.fired
    finish(stack)
    check(stack, ledger, reference, rounds.lives, row)


# --- places of the spool, which are passed while the database is away ---------

SPOOLING = ("ons-webhook:spool.written", "ons-webhook:spool.synced",
            "ons-webhook:spool.renamed", "ons-webhook:spool.kept",
            "ons-webhook:intake.answering")
TAKING_IN = ("ons-process:takein.read", "ons-process:takein.stored",
             "ons-process:takein.removed", "ons-process:takein.moving")


class Spool:
    """The folder of the stack."""

    def __init__(self, stack: Stack) -> None:
        self.folder = stack.state / "spool"

    def files(self, name: str = "new") -> list[Path]:
        return sorted((self.folder / name).glob("*"))

    def tear(self) -> None:
        """Half of a delivery in front of the others, as a bad disk leaves."""
        first = self.files()[0]
        half = first.read_bytes()[:first.stat().st_size // 2]
        draft = self.folder / "torn"
        draft.write_bytes(half)
        draft.rename(first.with_name(f"0-{first.name}"))


def armed(failpoints: Failpoints, places: Iterable[str], most: int,
          rng: random.Random) -> None:
    for place in places:
        failpoints.arm(place, nth=rng.randint(1, most))


def test_killed_at_the_spool(stack: Stack, ledger: Ledger,
                             reference: Reference, failpoints: Failpoints,
                             rng: random.Random, full: bool) -> None:
    """The responder while it spools, and who takes in what was spooled."""
    row = REPORT.row("kill -9, spool")
    database, spool = Database(stack), Spool(stack)
    lives: list[Life] = []
    torn = len(spool.files("bad"))
    with Cron(stack):
        for _ in range(30 if full else 1):
            lives.append(Life(stack))
            events = lives[-1].events
            with database.unreachable():
                database.cut()
                armed(failpoints, SPOOLING, len(events), rng)
                ledger.deliver(events)
                assert all(map(failpoints.fired, SPOOLING))
                spool.tear()
                armed(failpoints, TAKING_IN[:-1], len(events), rng)
                failpoints.arm(TAKING_IN[-1])
            began = time.monotonic()
            until(lambda: not spool.files(), 120)
            settle(stack)
            row.recovery.append(time.monotonic() - began)
            assert all(map(failpoints.fired, TAKING_IN))
            row.runs += len(SPOOLING) + len(TAKING_IN)
    finish(stack)
    assert len(spool.files("bad")) == torn + len(lives)
    for path in spool.files("bad"):
        path.unlink()
    check(stack, ledger, reference, lives, row)


def test_every_fail_point_is_covered(settings: list[Setting]) -> None:
    places: set[Any] = set()
    for path in TOP.glob("src/*/*.c"):
        places |= set(re.findall(r'FAILPOINT\("([a-z._]+)"\)',
                                 path.read_text()))
    covered = {name.partition(":")[2] for setting in settings
               for name in (*setting.passed, *SPOOLING, *TAKING_IN)} \
        | set(PROVOKED) | {SENT.partition(":")[2]}
    assert places - covered == set()
