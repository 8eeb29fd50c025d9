"""Debian's real cron runs the shipped fragment."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import STACK, TOP, Stack, texts

import deliver

FRAGMENT = TOP / "cron" / "openphone-notion-sync"


def commands() -> list[str]:
    """The lines of the fragment that say what to run and when."""
    return [line for line in FRAGMENT.read_text().splitlines()
            if line[:1] in "*0123456789" and line]


def test_the_fragment_is_what_cron_accepts() -> None:
    text = FRAGMENT.read_text()
    assert text.endswith("\n")  # cron ignores a last line without it
    assert commands()
    for line in commands():
        schedule, user, command = line.split()[:5], *line.split(None, 6)[5:]
        assert len(schedule) == 5
        assert user == "ons"
        assert command.startswith("ons")  # found by PATH
        assert "%" not in command  # cron makes line ends of them
    # without the user field it is a crontab, which crontab(1) can check
    as_crontab = "\n".join(" ".join(line.split()[:5] + line.split()[6:])
                           for line in commands()) + "\n"
    if shutil.which("crontab"):
        subprocess.run(["crontab", "-n", "-"], input=as_crontab, text=True,
                       check=True)


@pytest.fixture
def cron(stack: Stack, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """cron at work on the fragment; its path leads to the programs under
    test and the user is root, nothing else is changed."""
    if os.getuid() != 0:
        pytest.skip("cron in a namespace of its own needs root")
    if not shutil.which("cron") or not list(Path("/usr/lib").glob(
            "*/faketime/libfaketime.so.1")):
        pytest.skip("needs the packages cron and faketime")
    if subprocess.run(["unshare", "--mount", "true"], check=False).returncode:
        pytest.skip("this container allows no mount namespace")
    (tmp_path / "cron.d").mkdir()
    fragment = tmp_path / "cron.d" / "openphone-notion-sync"
    text = FRAGMENT.read_text() \
        .replace(" ons ", " root ") \
        .replace("\nPATH=", f"\nPATH={stack.env['ONS_BIN']}:")
    fragment.write_text(f"ONS_CONFIG={stack.config}\n{text}")
    fragment.chmod(0o644)
    before = set(Path("/dev/shm").glob("*faketime*"))
    with open(tmp_path / "cron.log", "wb") as log:
        daemon = subprocess.Popen([STACK / "cron.sh", tmp_path], stdout=log,
                                  stderr=log, start_new_session=True)
    try:
        yield daemon
    finally:
        daemon.terminate()
        daemon.wait(20)
        for pid in processors(stack):
            os.kill(pid, 15)
        wait(lambda: not processors(stack), "the processors to end")
        for left in set(Path("/dev/shm").glob("*faketime*")) - before:
            if str(daemon.pid) in left.name:
                left.unlink()


def processors(stack: Stack) -> set[int]:
    """The parents of all running ons-process that use this stack."""
    wanted = f"ONS_CONFIG={stack.config}".encode()
    program = os.path.realpath(stack.env["ONS_BIN"] + "/ons-process")
    found = {}
    for proc in Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(proc / "exe") == program and \
                    wanted in (proc / "environ").read_bytes().split(b"\0"):
                status = (proc / "stat").read_text().rpartition(")")[2]
                found[int(proc.name)] = int(status.split()[1])
        except OSError:
            continue  # it has just ended
    return {pid for pid, parent in found.items() if parent not in found}


def wait(true: Callable[[], object], what: str, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.05)


def test_cron_processes_deliveries(
        stack: Stack, cron: subprocess.Popen[bytes]) -> None:
    seen: set[int] = set()

    def watch() -> set[int]:
        assert cron.poll() is None, "cron has ended"
        running = processors(stack)
        seen.update(running)
        return running

    # each start takes over from the one before it
    wait(lambda: watch() and len(seen) >= 3, "three starts")

    # two at the same time are no trouble: start another beside cron's
    extra = stack.start("ons-process", "--linger")
    seen.add(extra.pid)
    suffix = stack.fresh()
    lives = [stack.load(f"{generation}/{name}", suffix)
             for generation in ("v2", "v4", "2026-03-30")
             for name in ("call.completed", "call.recording.completed",
                          "call.transcript.completed",
                          "call.summary.completed")]
    stack.send(*lives)
    keys = {deliver.resource_id(event) for event in lives}

    def pages() -> bool:
        watch()
        return not stack.rows("SELECT FROM v_jobs WHERE resource_id LIKE"
                              " '%-' || :'s'", s=suffix)

    wait(pages, "the pages")
    for key in keys:
        assert "Transcript" in texts(stack.page(key))
    starts = len(seen)
    wait(lambda: watch() and len(seen) >= starts + 2, "two more starts")
    # the one that cron has outrun ended by itself, and quietly
    out, errors = extra.communicate(timeout=60)
    assert (extra.returncode, out, errors) == (0, b"", b"")

    in_notion = json.dumps(stack.control("GET", "/notion/pages"))
    for key in keys:
        assert len(stack.rows("SELECT FROM v_pages WHERE resource_id = :'id'",
                              id=key)) == 1
        assert key in in_notion
