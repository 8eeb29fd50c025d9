"""A service that says 429: nobody asks before the named time, nobody's attempt
is counted, and afterwards the allowed rate is used."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import deliver
import pytest
from integration import Stack, asked, share_used
from invariants import (acknowledged_is_stored, nobody_was_refused,
                        nothing_is_stuck, openphone_id)
from ledger import Ledger
from processor import Cron, finish, settle
from report import REPORT, Row

UNLIMITED = {"limit": 1000000, "window": 1}
# A request that is under way when another one is told to wait was not sent
# against the rule. It takes far less than this.
UNDER_WAY = 1.0


class Record:
    """What a service was asked since this was made."""

    def __init__(self, stack: Stack, service: str) -> None:
        self.stack = stack
        self.service = service
        self.begin = Path(stack.env["SANDBOX_RECORD"]).stat().st_size

    def requests(self) -> list[tuple[float, dict[str, Any]]]:
        return asked(self.stack, self.service, self.begin)


def too_early(requests: list[tuple[float, dict[str, Any]]],
              wait: dict[float, float]) -> list[str]:
    """Requests between a 429 and the time it named."""
    return [f"{at - told:.2f} s after a 429 that said {seconds:.0f} s"
            for told, seconds in wait.items() for at, _ in requests
            if told + UNDER_WAY < at < told + seconds]


def throttled(requests: list[tuple[float, dict[str, Any]]],
              seconds: float) -> dict[float, float]:
    return {at: seconds for at, one in requests if one["status"] == 429}


# A delivery that costs the service one request, and no other service's.
DELIVERIES = {"notion": "2026-03-30/message.received",
              "openphone": "v4/message.received"}


def messages(stack: Stack, service: str, count: int) -> list[dict[str, Any]]:
    return [stack.load(DELIVERIES[service], stack.fresh())
            for _ in range(count)]


def attempts_counted(stack: Stack, since: str) -> list[dict[str, Any]]:
    return stack.rows("SELECT resource_id, attempts FROM job_done"
                      " WHERE finished_at > :'since' AND attempts > 1",
                      since=since)


def one_page_each(stack: Stack, events: list[dict[str, Any]],
                  row: Row) -> list[str]:
    wanted = [deliver.resource_id(event) for event in events]
    pages = [openphone_id(page) for page in stack.control(
        "GET", "/notion/pages") if not page["in_trash"]]
    row.lost += len(set(wanted) - set(pages))
    row.doubled += sum(pages.count(key) - 1 for key in wanted if key in pages)
    return [f"{key} has {pages.count(key)} pages" for key in wanted
            if pages.count(key) != 1]


def storm(stack: Stack, service: str, times: int, seconds: int) -> None:
    stack.control("POST", "/faults", {
        "service": service, "status": 429, "times": times,
        "headers": {"Retry-After": str(seconds)}})


def over(stack: Stack) -> bool:
    return all(fault["times"] == 0
               for fault in stack.control("GET", "/faults"))


@pytest.mark.parametrize("service", DELIVERIES)
def test_nobody_asks_too_early(stack: Stack, ledger: Ledger, full: bool,
                               service: str) -> None:
    """429 again and again, in the middle of much work."""
    row = REPORT.row(f"429 storm of {service}")
    now = stack.rows("SELECT now()")[0]["now"]
    record = Record(stack, service)
    events = messages(stack, service, 200 if full else 40)
    ledger.deliver(events, connections=8)
    seconds = 3
    with Cron(stack, "--linger", "--workers", "4"):
        for _ in range(10 if full else 1):
            storm(stack, service, 6 if full else 2, seconds)
            while not over(stack):  # there is always somebody who asks
                more = messages(stack, service, 1)
                ledger.deliver(more)
                events += more
                time.sleep(0.1)
            row.runs += 1
        row.recovery.append(settle(stack))
    finish(stack)
    requests = record.requests()
    told = throttled(requests, seconds)
    assert told
    row.acknowledged = len(ledger.acknowledged)
    problems = (too_early(requests, told) + one_page_each(stack, events, row)
                + acknowledged_is_stored(stack, ledger, row)
                + nothing_is_stuck(stack, row) + nobody_was_refused(ledger)
                + [f"counted: {one}" for one in attempts_counted(stack, now)])
    stack.control("DELETE", "/faults")
    row.judge(problems)


# The usual rate: so many requests in so many seconds, and of how many windows
# the backlog is.
RATES = {"notion": (180, 60, 5), "openphone": (10, 1, 40)}


@pytest.mark.parametrize("service", DELIVERIES)
def test_the_allowed_rate_is_used(stack: Stack, ledger: Ledger, full: bool,
                                  tmp_path: Path, service: str) -> None:
    """A backlog of several windows, at the usual rate, which begins with a
    storm."""
    if not full:
        pytest.skip("takes minutes: make check-faults")
    limit, window, windows = RATES[service]
    row = REPORT.row(f"the rate after a 429 storm of {service}")
    config = stack.variant(tmp_path, **{f"{service}__rate": str(limit)})
    stack.control("POST", "/limits",
                  {service: {"limit": limit, "window": window}})
    storm(stack, service, 3, 2)
    record = Record(stack, service)
    events = messages(stack, service, limit * windows)
    ledger.deliver(events, connections=8)
    try:
        with Cron(stack, "--linger", "--workers", "4", config=config):
            row.recovery.append(settle(stack, limit=window * windows + 120))
    finally:
        stack.control("POST", "/limits", {service: UNLIMITED})
    requests = record.requests()
    refused = [at for at, one in requests if one["status"] == 429]
    assert len(refused) == 3  # those of the storm
    done = sorted(at for at, _ in requests if at >= max(refused) + 2)
    used = share_used(done, limit, window)
    row.experiment += f" ({used:.1%} of what is allowed)"
    row.runs += 1
    row.acknowledged = len(ledger.acknowledged)
    row.judge(one_page_each(stack, events, row))
    assert used >= 0.95
