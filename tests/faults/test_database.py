"""PostgreSQL goes away in every way, and disks are full: for its data, the
spool, logs, temporary files and the media folder.

The stack's PostgreSQL runs with fsync = off, and what dies here are processes:
what they have written survives them in the system's memory. So nothing of this
tells what a power cut does.
"""

from __future__ import annotations

import contextlib
import random
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import deliver
import pytest
from cgiprogram import Cgi
from database import Database
from disks import full as filled
from disks import needs_mount, small_disk
from failpoints import Failpoints
from integration import Stack, psql, until
from invariants import check
from ledger import Ledger
from life import Life, Reference
from processor import Cron, finish, settle
from report import REPORT, Row


@pytest.fixture
def database(stack: Stack) -> Iterator[Database]:
    """Whatever becomes of the test, the next one has it again."""
    database = Database(stack)
    yield database
    if not database.runs():
        database.start()
    until(database.release_commits)


@contextlib.contextmanager
def sending(ledger: Ledger, *lives: Life) -> Iterator[None]:
    """They are delivered meanwhile, phase by phase."""
    def send() -> None:
        for phases in zip(*(life.phases for life in lives)):
            ledger.deliver([event for phase in phases for event in phase])

    with ThreadPoolExecutor(1) as pool:
        sent = pool.submit(send)
        yield
        sent.result()


def spooled(stack: Stack) -> list[Path]:
    return list((stack.state / "spool" / "new").glob("*"))


def recovered(stack: Stack, row: Row, began: float) -> None:
    """Until all is done, what was spooled included."""
    until(lambda: not spooled(stack), 120)
    settle(stack)
    row.recovery.append(time.monotonic() - began)
    row.runs += 1


# --- the database is away -----------------------------------------------------

def test_stopped_and_started(stack: Stack, ledger: Ledger,
                             reference: Reference, database: Database,
                             rng: random.Random, full: bool) -> None:
    row = REPORT.row("PostgreSQL stopped, immediate")
    lives = []
    with Cron(stack):
        for _ in range(20 if full else 1):
            busy, away = Life(stack), Life(stack)
            lives += [busy, away]
            with sending(ledger, busy):
                time.sleep(rng.uniform(0, 0.7))
                database.crash()
                ledger.deliver(away.events)
                assert spooled(stack)
                database.start()
                began = time.monotonic()
            recovered(stack, row, began)
    assert ledger.refused == 0
    finish(stack)
    check(stack, ledger, reference, lives, row)


# Soon after these something is committed.
COMMITS = ("ons-webhook:writer.storing", "ons-process:job.finishing",
           "ons-process:page.intending", "ons-process:page.created",
           "ons-process:resource.folded", "ons-process:media.stored")


def test_killed_in_commit(stack: Stack, ledger: Ledger, reference: Reference,
                          database: Database, failpoints: Failpoints,
                          full: bool) -> None:
    """It is committed, and nobody is told: what had to be stored goes to the
    spool as well, and what was done is done again."""
    row = REPORT.row("PostgreSQL killed in commit")
    lives = []
    with Cron(stack, "--linger", "--workers", "1"):  # the one that is held
        for place in COMMITS * 3 if full else COMMITS[:2]:
            lives.append(Life(stack))
            # else it only tries whether the database is back
            until(lambda: stack.request("GET", "/health").json["status"]
                  == "healthy")
            failpoints.arm(place, "sleep", ms=700)
            with sending(ledger, lives[-1]):
                until(lambda: failpoints.fired(place))
                database.hold_commits()
                database.kill_committing(place.partition(":")[0])
                until(database.answers)
                began = time.monotonic()
            recovered(stack, row, began)
    assert ledger.refused == 0
    finish(stack)
    check(stack, ledger, reference, lives, row)


def test_connections_cut(stack: Stack, ledger: Ledger, reference: Reference,
                         database: Database, rng: random.Random,
                         full: bool) -> None:
    """Again and again, and then nobody can connect for a while."""
    row = REPORT.row("connections cut")
    lives = []
    with Cron(stack):
        for _ in range(20 if full else 1):
            busy, away = Life(stack), Life(stack)
            lives += [busy, away]
            with sending(ledger, busy):
                for _ in range(rng.randint(1, 5)):
                    time.sleep(rng.uniform(0, 0.3))
                    database.cut()
                with database.unreachable():
                    database.cut()
                    ledger.deliver(away.events)
                    assert spooled(stack)
                began = time.monotonic()
            recovered(stack, row, began)
    assert ledger.refused == 0
    finish(stack)
    check(stack, ledger, reference, lives, row)


# --- disks are full -----------------------------------------------------------

def test_the_databases_disk_is_full(stack: Stack, ledger: Ledger,
                                    reference: Reference, database: Database,
                                    full: bool) -> None:
    """So full that PostgreSQL gives up. When there is room again, it recovers
    by itself, or has to be started."""
    needs_mount()
    row = REPORT.row("disk full: database")
    lives = []
    with database.on_small_disk("400M") as disk, Cron(stack):
        for _ in range(5 if full else 1):
            busy, away = Life(stack), Life(stack)
            lives += [busy, away]
            with sending(ledger, busy):
                with filled(disk):
                    until(database.panic)
                    ledger.deliver(away.events)
                if not database.runs():
                    database.start()
                until(database.answers)
                began = time.monotonic()
            recovered(stack, row, began)
        finish(stack)
    assert ledger.refused == 0
    check(stack, ledger, reference, lives, row)


def test_the_spools_disk_is_full_too(stack: Stack, ledger: Ledger,
                                     reference: Reference, database: Database,
                                     full: bool) -> None:
    """Without a database deliveries are refused then; the sender comes
    again."""
    needs_mount()
    row = REPORT.row("disk full: spool")
    lives = []
    spool = stack.state / "spool"
    spool.mkdir(exist_ok=True)
    until(lambda: not spooled(stack))
    with small_disk(spool, "40M"), Cron(stack):
        for _ in range(5 if full else 1):
            lives.append(Life(stack))
            database.crash()
            refused = ledger.refused
            with filled(spool), sending(ledger, lives[-1]):
                until(lambda: ledger.refused > refused)
                assert not spooled(stack)
                (spool / "ballast").unlink()
                (spool / "ballast").touch()
            assert spooled(stack)
            database.start()
            recovered(stack, row, time.monotonic())
        finish(stack)
    check(stack, ledger, reference, lives, row)


def test_logs_are_full(stack: Stack, ledger: Ledger, reference: Reference,
                       database: Database, tmp_path: Path) -> None:
    """Nobody hears of anything any more, but everything is done."""
    row = REPORT.row("disk full: logs")
    life = Life(stack)
    changes = {"log__level": "debug", "log__file": "/dev/full"}
    to_file = stack.variant(tmp_path, **changes)
    spools = stack.variant(tmp_path, database__webhook="host=/nonexistent")
    spools_to_file = stack.variant(
        tmp_path, database__webhook="host=/nonexistent", **changes)
    full = Path("/dev/full")
    with open(full, "wb") as stderr, Cron(stack, log=full), \
            Cron(stack, config=to_file, log=full):
        for event, config in zip(life.phases[0], (spools, spools_to_file)):
            answer = Cgi(stack, config, stderr=stderr).send(
                deliver.delivery("", event))
            assert answer.accepted, answer
            ledger.note(answer)
        database.crash()  # there is something to log
        for phase in life.phases:
            ledger.deliver(phase)
        database.start()
        recovered(stack, row, time.monotonic())
    finish(stack)
    check(stack, ledger, reference, [life], row)


def failed_for_want_of_space(stack: Stack, life: Life) -> bool:
    return any(life.suffix in row["resource_id"] for row in stack.rows(
        "SELECT resource_id FROM attempt"
        " WHERE error LIKE '%No space left on device%'"))


def test_temporary_files_find_no_room(stack: Stack, ledger: Ledger,
                                      reference: Reference,
                                      tmp_path: Path) -> None:
    needs_mount()
    row = REPORT.row("disk full: temporary files")
    life = Life(stack)
    with small_disk(tmp_path, "1M"), \
            Cron(stack, env={"TMPDIR": str(tmp_path)}):
        with filled(tmp_path):
            ledger.deliver(life.events)
            until(lambda: failed_for_want_of_space(stack, life))
        recovered(stack, row, time.monotonic())
    finish(stack)
    check(stack, ledger, reference, [life], row)


def test_the_media_folders_disk_is_full(stack: Stack, ledger: Ledger,
                                        reference: Reference,
                                        tmp_path: Path) -> None:
    """A person must make room; then it goes on by itself, when it looks
    again."""
    needs_mount()
    row = REPORT.row("disk full: media folder")
    life = Life(stack)
    disk = tmp_path / "disk"
    disk.mkdir()
    with small_disk(disk, "1M"):
        folder = disk / "media"
        folder.mkdir()
        config = stack.variant(
            tmp_path, media__store="file", media__folder=str(folder),
            s3__endpoint=None, s3__bucket=None, s3__access_key=None,
            s3__secret_key=None)
        with Cron(stack, config=config):
            with filled(disk):
                ledger.deliver(life.events)
                until(lambda: stack.rows(
                    "SELECT FROM trouble WHERE service = 'storage'"
                    " AND ended_at IS NULL"))
            psql(stack.env, "UPDATE trouble SET next_at = now();"
                 " UPDATE job SET run_at = now() WHERE NOT dead;")
            recovered(stack, row, time.monotonic())
        finish(stack, config)
        # where all the tests' files are
        shutil.copytree(folder, stack.state / "media", dirs_exist_ok=True)
    check(stack, ledger, reference, [life], row)
