"""kill -9 of the responder and of the processor, at every fail point."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator

import pytest
from failpoints import Failpoints
from integration import Stack
from invariants import check
from ledger import Ledger
from life import Life, Reference
from processor import Cron, finish, settle
from report import REPORT, Row

TOGETHER = 8  # places that are armed at the same time, where one is not alone


@pytest.fixture(scope="module")
def passed(stack: Stack, reference: Reference,
           all_failpoints: Failpoints) -> Counter[str]:
    """What an undisturbed life passes, and how often: so a new fail point is
    covered by itself."""
    all_failpoints.trace()
    live(stack, Ledger(stack), Life(stack))
    return all_failpoints.traced()


def live(stack: Stack, ledger: Ledger, life: Life) -> float:
    """All of a life, phase by phase, with the processor at work. How long it
    took until the longest phase was done."""
    times = []
    with Cron(stack):
        for phase in life.phases:
            began = time.monotonic()
            ledger.deliver(phase)
            settle(stack)
            times.append(time.monotonic() - began)
    return max(times)


def orders(passed: Counter[str], rng: random.Random,
           full: bool) -> Iterator[dict[str, int]]:
    """What to arm, round by round: place -> nth. Each place at least once; in
    the long form alone, and then at any of its passings with others."""
    places = sorted(passed)
    if full:
        for place in places:
            for nth in sorted({1, (passed[place] + 1) // 2, passed[place]}):
                yield {place: nth}
    for _ in range(10 if full else 1):
        rng.shuffle(places)
        for first in range(0, len(places), TOGETHER):
            yield {place: rng.randint(1, passed[place])
                   for place in places[first:first + TOGETHER]}


class Rounds:
    """Lives with places armed, and what came of them."""

    def __init__(self, stack: Stack, ledger: Ledger,
                 failpoints: Failpoints, row: Row) -> None:
        self.stack = stack
        self.ledger = ledger
        self.failpoints = failpoints
        self.row = row
        self.lives: list[Life] = []
        self.fired: set[str] = set()

    def run(self, order: dict[str, int]) -> None:
        life = Life(self.stack)
        self.lives.append(life)
        print(life.suffix, order, flush=True)
        for place, nth in order.items():
            self.failpoints.arm(place, nth=nth)
        self.row.recovery.append(live(self.stack, self.ledger, life))
        fired = {place for place in order if self.failpoints.fired(place)}
        self.fired |= fired
        self.row.runs += len(fired)
        self.failpoints.clear()


def test_killed_anywhere(stack: Stack, ledger: Ledger, reference: Reference,
                         failpoints: Failpoints, passed: Counter[str],
                         rng: random.Random, full: bool) -> None:
    row = REPORT.row("kill -9 at fail points")
    rounds = Rounds(stack, ledger, failpoints, row)
    for order in orders(passed, rng, full):
        rounds.run(order)
    # how often a place is passed depends on who is faster
    for place in sorted(set(passed) - rounds.fired):
        rounds.run({place: 1})
        assert place in rounds.fired
    finish(stack)
    check(stack, ledger, reference, rounds.lives, row)
