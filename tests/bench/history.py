#!/usr/bin/python3
"""Bring in a year of history, killing the processor ten times, and measure.

usage: history.py [--share S] [--rate N] [--kills N] [--surface dated|v1]
                  [--bin DIR]

The year has 50,000 calls and 200,000 messages; --share takes a part of it.
--rate is what the sandbox and the programs take for Notion's limit, in
requests a minute.  Exit status 1: something is missing, doubled, or too slow.
`make check-history` runs it with the whole year, which takes an hour.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

TOP = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TOP / "tests" / name)
                for name in ("integration", "sandbox")]

from year import Settings, Year  # noqa: E402
from conftest import Stack, children, peak, psql  # noqa: E402

SAMPLE = 2.0  # seconds
WINDOW = 62.0  # of Notion's limit, as ons-process keeps it


class Sample:
    """How things are at a moment."""

    def __init__(self, stack: Stack, row: dict[str, Any]) -> None:
        self.time = time.monotonic()
        self.requests = stack.control("GET", "/stats")["counts"].get(
            "notion", {})
        self.notion = sum(self.requests.values())
        self.written = row["due"] - row["waiting"]
        self.waiting = row["waiting"]
        self.claim, self.pages = claim(stack)


def claim(stack: Stack) -> tuple[float, int]:
    """What a claim takes, taken back: milliseconds, which others on the
    machine make more, and pages of tables and indexes, which they do not."""
    plan = psql(stack.env, "BEGIN; EXPLAIN (ANALYZE, BUFFERS, TIMING OFF)"
                " SELECT * FROM job_next(0, '60 s', 'default', '{}', '{}', 1,"
                " 32767, -32768, '-infinity', 0); ROLLBACK;")
    took = re.search(r"Execution Time: ([\d.]+) ms", plan)
    touched = re.search(r"Buffers: shared hit=(\d+)", plan)
    assert took and touched, plan
    return float(took[1]), int(touched[1])


class Processor:
    """ons-process --linger, started again whenever it has ended."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.peaks: list[int] = []
        self.child: subprocess.Popen[bytes] | None = None

    def keep(self) -> None:
        if self.child is None or self.child.poll() is not None:
            self.child = self.stack.start(
                "ons-process", "--linger", stdin=subprocess.DEVNULL)
        for pid in children(self.child.pid):
            try:
                self.peaks.append(peak(pid))
            except (AssertionError, OSError):
                pass  # it has just ended

    def end(self, number: int) -> None:
        if self.child is None:
            return
        workers = children(self.child.pid) if number == signal.SIGKILL else []
        for pid in (self.child.pid, *workers):
            os.kill(pid, number)
        self.child.communicate()
        self.child = None


def state(stack: Stack, number: int) -> dict[str, Any]:
    [row] = stack.rows("SELECT * FROM v_backfills WHERE id = :number",
                       number=number)
    return row


def run(stack: Stack, total: int, wanted: int, args: list[str]) -> tuple[
        list[Sample], Processor, int]:
    queued = stack.run("onsctl", "backfill", *args, "--apply").stdout
    number = int(queued.split()[1])
    processor = Processor(stack)
    samples: list[Sample] = []
    kills = 0
    while True:
        processor.keep()
        time.sleep(SAMPLE)
        row = state(stack, number)
        samples.append(Sample(stack, row))
        if row["state"] not in ("listing", "writing"):
            break
        if (kills < wanted
                and samples[-1].written > (kills + 1) * total / (wanted + 2)):
            processor.end(signal.SIGKILL)
            kills += 1
    processor.end(signal.SIGTERM)
    return samples, processor, number


def share_used(samples: list[Sample], rate: int, total: int) -> float:
    """Of the requests that the limit allows, after the first window, in which
    all of them may be used at once, and while there is enough to do."""
    inner = [one for one in samples
             if one.time > samples[0].time + WINDOW
             and one.written < total * 0.97]
    if len(inner) < 2:
        return float("nan")
    spent = inner[-1].notion - inner[0].notion
    return spent / (rate / 60 * (inner[-1].time - inner[0].time))


def claim_of(samples: list[Sample]) -> str:
    return (f"{statistics.median(one.claim for one in samples):.3f} ms,"
            f" {statistics.median(one.pages for one in samples):.0f} pages")


def report(stack: Stack, samples: list[Sample], processor: Processor,
           options: argparse.Namespace, row: dict[str, Any], total: int,
           before: int) -> bool:
    seconds = samples[-1].time - samples[0].time + SAMPLE
    shown = stack.control("GET", "/notion/values/OpenPhone%20ID")
    ours = {key: n for key, n in shown.items() if key.startswith("ACyear")}
    tenth = max(1, len(samples) // 10)
    first, last = samples[:tenth], samples[-tenth:]
    violations = stack.control("GET", "/stats")["violations"]
    each = (samples[-1].notion - before) / total
    figures = {
        "calls and messages": f"{total:,}",
        "listed, by the backfill's count":
            f"{row['calls'] + row['messages']:,}",
        "missing": total - len(ours),
        "doubled": sum(n > 1 for n in ours.values()),
        "state": row["state"],
        "killed": options.kills,
        "duration": f"{seconds:.0f} s",
        "requests to Notion for each": f"{each:.4f}",
        "share of the allowed rate":
            f"{share_used(samples, options.rate, total):.1%}",
        "violations": len(violations),
        "most jobs waiting": max(one.waiting for one in samples),
        "claim at the start, median": claim_of(first),
        "claim at the end, median": claim_of(last),
        "most memory of a worker, first tenth":
            f"{max(processor.peaks[:len(processor.peaks) // 10 + 1])} KiB",
        "most memory of a worker, ever": f"{max(processor.peaks)} KiB",
    }
    width = max(map(len, figures))
    for name, value in figures.items():
        print(f"{name:<{width}}  {value}")
    return (len(ours) == total and set(ours.values()) == {1}
            and row["state"] == "complete" and not violations
            and each < 1.02)


def listed_nowhere(year: Year) -> int:
    """Calls of several people, which v1 does not list."""
    return sum(len(calls) for whose, calls in enumerate(year.of["calls"])
               if len(year.others(whose)) > 1)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--share", type=float, default=1.0)
    parser.add_argument("--rate", type=int, default=6000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--surface", choices=("dated", "v1"), default="dated")
    parser.add_argument("--bin", type=Path, default=TOP)
    options = parser.parse_args()
    year = {"calls": int(50000 * options.share),
            "messages": int(200000 * options.share),
            "people": max(40, int(2000 * options.share))}
    total = year["calls"] + year["messages"]
    if options.surface == "v1":
        total -= listed_nowhere(Year(Settings(**year)))
    folder = Path(tempfile.mkdtemp(prefix="ons-history."))
    quickstart = [TOP / "quickstart.sh"]
    subprocess.run([*quickstart, "up", "--state", folder,
                    "--bin", options.bin], check=True)
    try:
        stack = Stack(folder)
        changes = {"notion__rate": str(options.rate),
                   "openphone__rate": "1000"}
        if options.surface == "v1":
            changes["openphone__api_base"] = (
                stack.env["OPENPHONE_API_BASE"] + "/v1")
        stack.variant(folder, **changes).replace(stack.config)
        stack.control("POST", "/limits", {
            "notion": {"limit": options.rate, "window": 60},
            "openphone": {"limit": 1000, "window": 1}})
        stack.control("POST", "/record", {"on": False})
        stack.control("POST", "/openphone/year", year)
        before = sum(stack.control("GET", "/stats")["counts"].get(
            "notion", {}).values())
        args = ["--since", "2025-10-01", "--until", "2026-09-30"]
        print(stack.run("onsctl", "backfill", *args).stdout, flush=True)
        samples, processor, number = run(stack, total, options.kills, args)
        good = report(stack, samples, processor, options,
                      state(stack, number), total, before)
    finally:
        subprocess.run([*quickstart, "down", "--state", folder], check=True)
        shutil.rmtree(folder)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
