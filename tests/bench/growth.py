"""What grows with the deliveries that are stored: the same work where there are
few and where there are many, in milliseconds, and in pages of 8 KiB that the
database touches, which do not depend on what else the machine does.

ONS_BENCH_GROWTH=10000000 (another number) adds a size; ten millions take 13 GB
and five to ten minutes to fill.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import common
import plans
from conftest import PSQL, Stack, clean_environment, psql

# What a program asks again and again: statements of plans.py, by their name
# and the number of their arguments.
LOOKS = {
    "a job finished, the next claimed": "job_next 0",
    "... its state read": "resource_get 0",
    "... its deliveries found": "resource_events 0",
    "... its page found": "page_get 0",
    "a link of the portal's": "link_get 0",
    "doctor: the queue": "doctor_queue 0",
    "doctor: the history": "doctor_history 0",
    "doctor: the last link": "doctor_link 0",
    "doctor: refused files": "doctor_files 0",
    "alerts: silence": "alert_silence 0",
    "... of one long silent": "alert_silence 1",
    "alerts: given up": "alert_dead 0",
    "alerts: backlog": "alert_backlog 0",
    "a sweep: finished jobs": "expire_finished 0",
    "... failed attempts": "expire_attempts 0",
    "maintain: a batch of events": "expire_events 0",
    "reconcile: a slice": "compare_pages 0",
}
COMMANDS = {"onsctl status": ["status"], "onsctl events": ["events"]}

DELIVERY = r"""
\set id random(1, 1000000000000)
SELECT event_store('{default}', ARRAY['d' || :id], ARRAY['EV' || :id],
	'{call.completed}', '{2}', '{call}', ARRAY['ACnew' || :id],
	'{2026-01-01T00:00:00Z}', '{NULL}', '{"{}"}',
	ARRAY[convert_to(repeat('x', 1500), 'UTF8')], '{t}');
"""


@dataclass
class Size:
    """What was measured at one size."""

    events: int
    filled: float = 0
    figures: dict[str, str] = field(default_factory=dict)


def fill(bench: common.Bench, events: int) -> dict[str, str]:
    """A database of its own, full: how to reach it."""
    stack = bench.stack
    name = f"stored_{events}"
    psql({**stack.env, "PGUSER": "postgres"},
         f"CREATE DATABASE {name} OWNER {stack.env['PGUSER']}")
    stack.run("onsctl", "migrate", env={"PGDATABASE": name})
    env = {**stack.env, "PGDATABASE": name}
    subprocess.run(
        [PSQL, "-Xq", f"--set=n={events}", "-f", common.BENCH / "fill.sql"],
        check=True, env=clean_environment(**{
            **{key: value for key, value in env.items()
               if key.startswith("PG")}, "PGUSER": "postgres"}))
    return env


def intake(bench: common.Bench, env: dict[str, str]) -> str:
    script = bench.folder / "delivery.sql"
    script.write_text(DELIVERY)
    done = subprocess.run(
        [Path(PSQL).with_name("pgbench"), "-n", "-T",
         "2" if bench.quick else "8", "-f", script], check=True, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env=clean_environment(**{key: value for key, value in env.items()
                                 if key.startswith("PG")}))
    [average] = [line.split()[3] for line in done.stdout.splitlines()
                 if line.startswith("latency average")]
    return f"{float(average):.2f} ms"


def command(stack: Stack, env: dict[str, str], args: list[str]) -> str:
    """Milliseconds from its start to its end."""
    took = []
    for _ in range(5):
        began = time.monotonic()
        stack.run("onsctl", *args, env={"PGDATABASE": env["PGDATABASE"]})
        took.append(time.monotonic() - began)
    return f"{statistics.median(took) * 1000:.0f} ms"


def look(bench: common.Bench, events: int) -> Size:
    size = Size(events)
    began = time.monotonic()
    env = fill(bench, events)
    size.filled = time.monotonic() - began
    names = sorted({place.split()[0] for place in LOOKS.values()})
    plans.look(env, names)  # what there is, into memory
    found = {f"{one.name} {one.call}": one for one in plans.look(env, names)}
    for what, place in LOOKS.items():
        size.figures[what] = (f"{found[place].ms:.1f} ms"
                              f" {found[place].pages:,}")
    for what, args in COMMANDS.items():
        size.figures[what] = command(bench.stack, env, args)
    size.figures["a delivery stored"] = intake(bench, env)
    psql({**bench.stack.env, "PGUSER": "postgres"},
         f"DROP DATABASE {env['PGDATABASE']} WITH (FORCE)")
    return size


def measure(bench: common.Bench) -> None:
    bench.fresh_stack()
    events = [1_000, 20_000] if bench.quick else [1_000, 100_000, 1_000_000]
    if more := os.environ.get("ONS_BENCH_GROWTH"):
        events.append(int(more))
    sizes = [look(bench, count) for count in events]
    bench.row("stored deliveries", " | ".join(
        f"{size.events:,} ({size.filled:.0f} s)" for size in sizes))
    for what in sizes[0].figures:
        bench.row(f"  {what}", " | ".join(
            size.figures[what] for size in sizes))
