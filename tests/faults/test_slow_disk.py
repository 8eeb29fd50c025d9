"""A media folder on a disk that is slower than a lease is long."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import deliver
import pytest
from failpoints import Failpoints
from integration import Stack, until
from processor import Cron, finish, settle
from report import REPORT

COPYING = "ons-process:folder.copying"  # a piece of 64 KB
PIECES = 30
EACH_MS = 200


@pytest.fixture
def config(stack: Stack, tmp_path: Path) -> Path:
    folder = stack.state / "media"
    folder.mkdir(exist_ok=True)
    return stack.variant(
        tmp_path, process__lease="2s", media__store="file",
        media__folder=str(folder), s3__endpoint=None, s3__bucket=None,
        s3__access_key=None, s3__secret_key=None)


@pytest.fixture
def key(stack: Stack, config: Path) -> Iterator[str]:
    """A call with a recording of so many pieces."""
    event = stack.load("2026-03-30/call.recording.completed", stack.fresh())
    [recording] = event["data"]["resource"]["recordings"]
    recording["url"] = (f"{stack.env['SANDBOX_MEDIA']}/gen/"
                        f"{PIECES << 16}/slow.mp3")
    stack.send(event)
    yield deliver.resource_id(event)
    finish(stack, config)


def copying(stack: Stack, key: str) -> list[Path]:
    return list((stack.state / "media").rglob(f".new-*{key}*"))


def test_the_lease_is_kept(stack: Stack, failpoints: Failpoints, config: Path,
                           key: str) -> None:
    """Nobody else begins with the job meanwhile."""
    row = REPORT.row("a disk slower than the lease")
    failpoints.arm(COPYING, "sleep", ms=EACH_MS, nth=0)
    with Cron(stack, config=config):
        row.recovery.append(settle(stack))
    assert row.recovery[0] > PIECES * EACH_MS / 1000
    assert stack.rows("SELECT attempts FROM job_done WHERE resource_id = :'id'",
                      id=key) == [{"attempts": 1}]
    row.runs += 1


def test_a_stop_is_heard(stack: Stack, failpoints: Failpoints, config: Path,
                         key: str) -> None:
    """Not by the parent's patience, at whose end workers are killed."""
    failpoints.arm(COPYING, "sleep", ms=EACH_MS, nth=0)
    child = stack.start("ons-process", "--linger", "--workers", "1",
                        config=config, stderr=subprocess.PIPE)
    until(lambda: copying(stack, key))
    began = time.monotonic()
    child.send_signal(signal.SIGTERM)
    _, errors = child.communicate(timeout=30)
    assert child.returncode == 0, errors.decode()
    assert b"killed" not in errors, errors.decode()
    print(f"ended within {time.monotonic() - began:.2f} s")
    assert not copying(stack, key)
    [job] = stack.rows("SELECT lease_by, attempts FROM job"
                       " WHERE resource_id = :'id'", id=key)
    assert job["lease_by"] is None
    failpoints.clear()
