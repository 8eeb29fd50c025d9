"""How soon an idle system has told Notion, and what it costs to be idle.

The delay is from a delivery's first byte, the client's, to the moment at which
the sandbox had the request that makes the page.  The sandbox is as slow as
Python is; what it answers before that, names for instance, counts against us.
"""

from __future__ import annotations

import json
import random
import statistics
import time
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

import deliver
from common import Bench
from conftest import until


def unlimited(bench: Bench) -> Path:
    """The configuration, with rates that keep nobody waiting."""
    stack = bench.stack
    limit = {"limit": 1000000, "window": 1}
    stack.control("POST", "/limits", {"notion": limit, "openphone": limit})
    return stack.variant(bench.folder, notion__rate="1000000",
                         openphone__rate="100000")


def creation(record: TextIO) -> float | None:
    """When the next page was asked for, if it has been; whole lines only."""
    while True:
        at = record.tell()
        line = record.readline()
        if not line.endswith("\n"):
            record.seek(at)
            return None
        entry: dict[str, Any] = json.loads(line)
        if (entry["method"], entry["path"]) == ("POST", "/v1/pages"):
            return datetime.fromisoformat(
                entry["time"].replace("Z", "+00:00")).timestamp()


def delays(bench: Bench, count: int) -> list[float]:
    """Milliseconds, of messages that come one by one."""
    stack = bench.stack
    took = []
    with open(stack.env["SANDBOX_RECORD"], encoding="utf-8") as record:
        record.seek(0, 2)
        for _ in range(count):
            message = stack.load("2026-03-30/message.received", stack.fresh())
            began = time.time()
            stack.send(message)
            took.append((until(lambda: creation(record)) - began) * 1000)
            until(lambda: bench.sql("SELECT count(*) FROM job") == "0")
            # idle again, and at no fixed distance from anybody's clock
            time.sleep(random.uniform(0.1, 0.3))
    return took


def transactions(bench: Bench) -> int:
    return int(bench.sql("SELECT xact_commit + xact_rollback"
                         " FROM pg_stat_database"
                         " WHERE datname = current_database()"))


def idle_cost(bench: Bench, seconds: float) -> float:
    """Transactions a second, of all programs together."""
    before, began = transactions(bench), time.monotonic()
    time.sleep(seconds)
    after = transactions(bench) - 1  # the look before
    return (after - before) / (time.monotonic() - began)


def measure(bench: Bench) -> None:
    stack = bench.stack
    processor = stack.start("ons-process", "--linger",
                            config=unlimited(bench))
    try:
        until(lambda: bench.sql("SELECT count(*) FROM run"
                                " WHERE program = 'worker'") != "0")
        delays(bench, 5)  # names are looked up, connections made
        took = delays(bench, 20 if bench.quick else 200)
        time.sleep(2)
        idle = idle_cost(bench, 10 if bench.quick else 30)
    finally:
        processor.terminate()
        processor.communicate(timeout=60)
    middle = statistics.median(took)
    slow = statistics.quantiles(took, n=100, method="inclusive")[98]
    bench.row("webhook to page request, p50", f"{middle:.0f} ms",
              aim="<= 50 ms", met=middle <= 50)
    bench.row("webhook to page request, p99", f"{slow:.0f} ms",
              aim="<= 300 ms", met=slow <= 300)
    bench.row("transactions when idle", f"{idle:.1f}/s", aim="<= 5/s",
              met=idle <= 5)
