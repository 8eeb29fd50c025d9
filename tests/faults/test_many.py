"""Many processors at the same time, on hosts that do not agree on the time."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import deliver
import pytest
from cgiprogram import Cgi
from integration import STACK, TOP, Stack, clean_environment, until
from invariants import check
from ledger import Ledger
from life import Life, Reference
from processor import Cron, finish, settle
from report import REPORT, Row


def sent_and_done(stack: Stack, ledger: Ledger, lives: list[Life],
                  rng: random.Random, row: Row) -> None:
    """All events in any order, some of them twice, while processors run."""
    events = [event for life in lives for event in life.events]
    events += rng.sample(events, len(events) // 4)
    rng.shuffle(events)
    ledger.deliver(events, connections=8)
    row.recovery.append(settle(stack))
    row.runs += 1


def test_eight_processors(stack: Stack, ledger: Ledger, reference: Reference,
                          rng: random.Random, full: bool) -> None:
    row = REPORT.row("eight processors at once")
    lives = [Life(stack) for _ in range(60 if full else 6)]
    with contextlib.ExitStack() as hosts:
        for _ in range(8):
            hosts.enter_context(Cron(stack, "--drain", "--workers", "2"))
        sent_and_done(stack, ledger, lives, rng, row)
    finish(stack)
    check(stack, ledger, reference, lives, row)


# --- two crons ----------------------------------------------------------------

@contextlib.contextmanager
def real_cron(stack: Stack, folder: Path) -> Iterator[None]:
    """Debian's cron with the shipped fragment, its minute a second long."""
    (folder / "cron.d").mkdir(parents=True)
    fragment = folder / "cron.d" / "openphone-notion-sync"
    text = (TOP / "cron" / "openphone-notion-sync").read_text() \
        .replace(" ons ", " root ") \
        .replace("\nPATH=", f"\nPATH={stack.env['ONS_BIN']}:")
    fragment.write_text(
        f"ONS_CONFIG={stack.config}\n"
        f"ONS_FAILPOINTS={os.environ['ONS_FAILPOINTS']}\n{text}")
    fragment.chmod(0o644)
    before = set(Path("/dev/shm").glob("*faketime*"))
    with open(stack.state / "log" / "processor.log", "ab") as log:
        daemon = subprocess.Popen([STACK / "cron.sh", folder], stdout=log,
                                  stderr=log, start_new_session=True,
                                  env=clean_environment())
    try:
        yield
        assert daemon.poll() is None, "cron has ended"
    finally:
        daemon.terminate()
        daemon.wait(20)
        for left in set(Path("/dev/shm").glob("*faketime*")) - before:
            if str(daemon.pid) in left.name:
                left.unlink()


def processors(stack: Stack) -> set[int]:
    """ons-process, and the shells that are about to become one."""
    found = set()
    ours = f"ONS_CONFIG={stack.config}".encode()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if ours in (process / "environ").read_bytes().split(b"\0") and \
                    b"ons-process" in (process / "cmdline").read_bytes():
                found.add(int(process.name))
    return found


def test_overlapping_crons(stack: Stack, ledger: Ledger, reference: Reference,
                           rng: random.Random, full: bool,
                           tmp_path: Path) -> None:
    if os.getuid() != 0 or not shutil.which("cron") or subprocess.run(
            ["unshare", "--mount", "true"], check=False).returncode:
        pytest.skip("needs cron, and to be root where mounting is allowed")
    row = REPORT.row("two overlapping crons")
    lives = [Life(stack) for _ in range(40 if full else 4)]
    last = "SELECT coalesce(max(id), 0) AS id FROM run" \
        " WHERE program = 'lingering'"
    first = stack.rows(last)[0]["id"]
    with real_cron(stack, tmp_path / "one"), \
            real_cron(stack, tmp_path / "two"):
        sent_and_done(stack, ledger, lives, rng, row)
        until(lambda: stack.rows(last)[0]["id"] > first)
    told: set[int] = set()

    def all_gone() -> bool:
        """One that cron has just started is there a little later."""
        for pid in processors(stack) - told:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
            told.add(pid)
        return not processors(stack)

    until(all_gone)
    finish(stack)
    check(stack, ledger, reference, lives, row)


# --- clocks -------------------------------------------------------------------

FAKETIME = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))


def clock(by: str) -> dict[str, str]:
    """The environment of a host whose clock is off."""
    if not FAKETIME:
        pytest.skip("needs the package faketime")
    return {"LD_PRELOAD": str(FAKETIME[0]), "FAKETIME": by,
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") +
            ":verify_asan_link_order=0"}


@pytest.mark.parametrize("by", ["+5m", "-5m"])
def test_a_processors_clock_is_off(stack: Stack, ledger: Ledger,
                                   reference: Reference, rng: random.Random,
                                   full: bool, by: str) -> None:
    row = REPORT.row(f"a processor's clock {by}")
    lives = [Life(stack) for _ in range(40 if full else 4)]
    with Cron(stack, "--drain", "--workers", "2", env=clock(by)), \
            Cron(stack, "--drain", "--workers", "2"):
        sent_and_done(stack, ledger, lives, rng, row)
    finish(stack)
    check(stack, ledger, reference, lives, row)


@pytest.mark.parametrize("by", ["+5m", "-5m"])
def test_a_responders_clock_is_off(stack: Stack, ledger: Ledger,
                                   reference: Reference, by: str) -> None:
    """Signatures are good for five minutes: this host refuses or takes them,
    and what it refused comes again, to another host."""
    row = REPORT.row(f"a responder's clock {by}")
    life = Life(stack)
    host = Cgi(stack, env=clock(by))
    for event in life.events:
        answer = host.send(deliver.delivery("", event))
        assert answer.status in (200, 401), answer
        if answer.accepted:
            ledger.note(answer)
        row.runs += 1
    ledger.deliver(life.events)
    finish(stack)
    check(stack, ledger, reference, [life], row)
