"""Whatever dies, hangs or is stopped: its work goes on, and nothing is done
twice."""

from __future__ import annotations

import contextlib
import glob
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Stack, children, psql, title, until

import deliver

pytestmark = pytest.mark.sanitize

Child = subprocess.Popen[bytes]
STALL = 120.0  # seconds: until somebody ends it


def job(stack: Stack, key: str) -> dict[str, Any] | None:
    found = stack.rows("SELECT * FROM v_jobs WHERE resource_id = :'id'",
                       id=key)
    return found[0] if found else None


def state(stack: Stack, key: str) -> str:
    return (job(stack, key) or {"state": "done"})["state"]


def history(stack: Stack, key: str) -> list[str]:
    return [row["error_kind"] for row in stack.rows(
        "SELECT error_kind FROM attempt WHERE resource_id = :'id'"
        " ORDER BY at", id=key)]


def make_due(stack: Stack, key: str) -> None:
    """As if the time to wait were over."""
    psql(stack.env, "UPDATE job SET run_at = now()"
         " WHERE resource_id = :'id' AND NOT dead;", id=key)


@pytest.fixture(autouse=True)
def clean(stack: Stack) -> Iterator[None]:
    """Nothing else is due, and nothing is left behind."""
    stack.process()
    yield
    stack.control("DELETE", "/faults")
    psql(stack.env, "DELETE FROM job; UPDATE bucket SET paused_until = NULL;")


@pytest.fixture
def start(stack: Stack) -> Iterator[Callable[..., Child]]:
    """Start processors, which end with the test."""
    running: list[Child] = []

    def start_one(*args: str, **options: Any) -> Child:
        child = stack.start("ons-process", *args, start_new_session=True,
                            **options)
        running.append(child)
        return child

    yield start_one
    for child in running:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGCONT)
            child.terminate()
        child.communicate(timeout=60)


def kill_all(child: Child) -> None:
    """A whole processor at once, parent and workers."""
    os.killpg(child.pid, signal.SIGKILL)
    child.wait(20)


def stalled(stack: Stack, fault: int) -> Callable[[], bool]:
    """Has the request come that the fault was for?"""
    return lambda: all(one["times"] == 0 for one in
                       stack.control("GET", "/faults") if one["id"] == fault)


def stall(stack: Stack, **more: Any) -> Callable[[], bool]:
    """One request to Notion that is not answered, and never takes effect."""
    fault = {"service": "notion", "method": "POST", "times": 1,
             "path": r"/v1/pages(\?|$)", "delay": STALL, "drop": "before",
             **more}
    return stalled(stack, stack.control("POST", "/faults", fault)["id"])


def asking(stack: Stack) -> tuple[str, Callable[[], bool]]:
    """A call that OpenPhone is asked about, without an answer."""
    key = "AC" + stack.fresh()
    stack.control("POST", "/openphone/calls", {"id": key})
    asked = stall(stack, service="openphone", method="GET",
                  path=rf"/calls/{key}(\?|$)")
    psql(stack.env, "SELECT job_due('default', 'call', :'id', 0);", id=key)
    return key, asked


def pages_of(stack: Stack, key: str) -> int:
    """How many pages in Notion carry the id, whoever made them."""
    return sum(
        "".join(item["plain_text"] for item in value["rich_text"]) == key
        for page in stack.control("GET", "/notion/pages")
        for value in page["properties"].values()
        if value["type"] == "rich_text")


# --- what is killed ---

def test_a_killed_workers_job_resumes_at_once(
        stack: Stack, start: Callable[..., Child]) -> None:
    key, asked = asking(stack)
    parent = start("--linger", "-w1")
    until(asked)
    [worker] = children(parent.pid)
    os.kill(worker, signal.SIGKILL)
    until(lambda: state(stack, key) == "done")
    assert title(stack.page(key))
    assert history(stack, key) == ["died"]


def test_a_killed_processors_job_resumes_at_once(
        stack: Stack, start: Callable[..., Child]) -> None:
    """Whoever runs on the same host takes over: not its own parent alone,
    and long before the lease has run out."""
    key, asked = asking(stack)
    victim = start("--drain", "-w1")
    until(asked)
    heir = start("--linger", "-w1")
    until(lambda: children(heir.pid))
    time.sleep(1)  # it has looked at the table of runs, and found all well
    kill_all(victim)
    began = time.monotonic()
    until(lambda: state(stack, key) == "done", 15)
    print(f"taken over within {time.monotonic() - began:.2f} s")
    assert title(stack.page(key))
    assert history(stack, key) == ["died"]


def test_a_lease_that_ran_out_is_another_workers(
        stack: Stack, tmp_path: Path) -> None:
    """So it is when a whole host is gone."""
    event = stack.load("2026-03-30/message.received", stack.fresh())
    key = deliver.resource_id(event)
    stack.send(event)
    psql(stack.env, """
        UPDATE job SET lease_by = 0, lease_until = now() + interval '1 hour',
               attempts = 1, claimed_at = now() WHERE resource_id = :'id';""",
         id=key)
    stack.process()
    assert state(stack, key) == "running"
    psql(stack.env, "UPDATE job SET lease_until = now() WHERE resource_id ="
         " :'id';", id=key)
    stack.process()
    assert state(stack, key) == "done" and title(stack.page(key))
    assert history(stack, key) == ["died"]


def test_a_job_that_kills_its_workers_is_given_up(
        stack: Stack, start: Callable[..., Child], tmp_path: Path) -> None:
    """And meanwhile the others' work is done."""
    config = stack.variant(tmp_path, process__max_attempts="3")
    poison, asked = asking(stack)
    parent = start("--linger", "-w1", config=config)
    for deaths in range(1, 4):
        until(asked)
        [worker] = children(parent.pid)
        asked = stall(stack, service="openphone", method="GET",
                      path=rf"/calls/{poison}(\?|$)")
        os.kill(worker, signal.SIGKILL)
        until(lambda: len(history(stack, poison)) == deaths)
        if deaths == 2:  # now it has to wait; others have not
            other = stack.load("2026-03-30/message.received", stack.fresh())
            psql(stack.env, "UPDATE job SET run_at = now() + interval '1 h'")
            stack.send(other)
            until(lambda: state(stack, deliver.resource_id(other)) == "done")
        make_due(stack, poison)
    until(lambda: state(stack, poison) == "dead")
    found = job(stack, poison) or {}
    assert found["last_error"] == "the worker died 3 times"
    assert history(stack, poison) == ["died"] * 3 + ["permanent"]

    stack.control("DELETE", "/faults")
    stack.run("onsctl", "retry", poison)
    until(lambda: state(stack, poison) == "done")
    assert title(stack.page(poison))


# --- what hangs ---

def brief_lease(stack: Stack, tmp_path: Path) -> Path:
    return stack.variant(tmp_path, process__lease="2s")


def test_a_long_answer_keeps_the_lease(
        stack: Stack, start: Callable[..., Child], tmp_path: Path) -> None:
    """Notion may take longer than a lease; nobody else takes the job."""
    config = brief_lease(stack, tmp_path)
    event = stack.load("2026-03-30/call.completed", stack.fresh())
    key = deliver.resource_id(event)
    asked = stall(stack, delay=7, drop=None)
    stack.send(event)
    start("--drain", "-w1", config=config)
    until(asked)
    start("--linger", "-w2", config=config)
    until(lambda: state(stack, key) == "done")
    assert history(stack, key) == []
    assert pages_of(stack, key) == 1


def sleeper(stack: Stack, parent: Child) -> int:
    """Its worker, and the parent does not notice."""
    [worker] = children(parent.pid)
    os.kill(worker, signal.SIGSTOP)
    return worker


def test_who_slept_through_the_creation_writes_over_nothing(
        stack: Stack, start: Callable[..., Child], tmp_path: Path) -> None:
    """Its creation took effect; another worker found the page and wrote on."""
    config = brief_lease(stack, tmp_path)
    suffix = stack.fresh()
    event = stack.load("2026-03-30/call.completed", suffix)
    key = deliver.resource_id(event)
    asked = stall(stack, delay=1, drop=None)
    stack.send(event)
    first = start("--drain", "-w1", config=config)
    until(asked)
    worker = sleeper(stack, first)
    # a summary comes meanwhile, so that there is more to write than before
    stack.send(stack.load("2026-03-30/call.summary.completed", suffix))
    start("--linger", "-w1", config=config)

    def written() -> bool:
        make_due(stack, key)
        return state(stack, key) == "done"

    until(written)
    row = stack.rows("SELECT * FROM page WHERE resource_id = :'id'", id=key)
    os.kill(worker, signal.SIGCONT)
    first.communicate(timeout=60)
    assert row == stack.rows("SELECT * FROM page WHERE resource_id = :'id'",
                             id=key)
    assert pages_of(stack, key) == 1
    before = stack.page(key)
    psql(stack.env, "SELECT job_due('default', 'call', :'id', 0);", id=key)
    until(lambda: state(stack, key) == "done")
    assert stack.page(key) == before


# --- other hosts' clocks ---

def has_sanitizers(stack: Stack) -> bool:
    return b"__asan_init" in (
        Path(stack.env["ONS_BIN"]) / "ons-process").read_bytes()


def faketime(stack: Stack) -> dict[str, str]:
    found = glob.glob("/usr/lib/*/faketime/libfaketime.so.1")
    if not found or has_sanitizers(stack):
        pytest.skip("needs faketime, and programs without sanitizers")
    return {"LD_PRELOAD": found[0], "FAKETIME": "+5m"}


def test_a_host_whose_clock_is_ahead(stack: Stack,
                                     start: Callable[..., Child]) -> None:
    """It takes nothing that is not due, and nothing from who is at it; what
    it writes for others to go by is by the database's clock."""
    ahead = faketime(stack)
    event = stack.load("2026-03-30/message.received", stack.fresh())
    later = deliver.resource_id(event)
    stack.send(event)
    psql(stack.env, "UPDATE job SET run_at = now() + interval '4 min'")
    held, asked = asking(stack)
    start("--drain", "-w1")
    until(asked)
    stack.control("POST", "/faults", {
        "service": "notion", "path": "/v1/pages", "times": 1, "status": 429,
        "headers": {"Retry-After": "2"}})
    event = stack.load("2026-03-30/call.completed", stack.fresh())
    mine = deliver.resource_id(event)
    stack.send(event)
    stack.run("ons-process", "--drain", "-w2", env=ahead)
    assert state(stack, mine) == "done" and title(stack.page(mine))
    assert state(stack, later) == "waiting"
    assert state(stack, held) == "running" and not history(stack, held)
    assert not stack.rows("SELECT FROM bucket WHERE paused_until > now()"
                          " + interval '1 min'")


# --- too many processes ---

def test_without_workers_nothing_is_done(stack: Stack, tmp_path: Path) -> None:
    """... and cron is told so. The next start does it."""
    if has_sanitizers(stack):
        pytest.skip("needs programs without sanitizers")
    source, library = tmp_path / "fork.c", tmp_path / "fork.so"
    source.write_text("#include <errno.h>\n"
                      "int fork(void) { errno = EAGAIN; return -1; }\n")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source],
                   check=True)
    event = stack.load("2026-03-30/message.received", stack.fresh())
    key = deliver.resource_id(event)
    stack.send(event)
    done = stack.run("ons-process", "--drain", "-w2", expect=75,
                     env={"LD_PRELOAD": str(library)})
    assert "cannot start a worker: Resource temporarily" in done.stderr
    assert state(stack, key) == "due"
    stack.process()
    assert state(stack, key) == "done"


# --- SIGTERM ---

def ends(child: Child, began: float) -> None:
    """Within 5 seconds it is to be; the limit is for slow machines."""
    _, errors = child.communicate(timeout=20)
    took = time.monotonic() - began
    print(f"ended within {took:.2f} s")
    assert child.returncode == 0, errors.decode()
    assert took < 8


def stop(child: Child) -> None:
    began = time.monotonic()
    child.terminate()
    ends(child, began)


def given_back(stack: Stack, key: str) -> None:
    """Nobody holds it, and no death was noted."""
    found = job(stack, key) or {}
    assert found["lease_by"] is None and found["state"] != "dead"
    assert "died" not in history(stack, key)


def test_stop_when_idle(stack: Stack, start: Callable[..., Child]) -> None:
    child = start("--linger")
    until(lambda: len(stack.rows("SELECT FROM run")) == 5)
    stop(child)
    assert stack.rows("SELECT FROM run") == []


def test_stop_while_notion_does_not_answer(
        stack: Stack, start: Callable[..., Child]) -> None:
    """What became of the creation is found out later."""
    event = stack.load("2026-03-30/call.completed", stack.fresh())
    key = deliver.resource_id(event)
    asked = stall(stack)
    stack.send(event)
    child = start("--linger")
    until(asked)
    stop(child)
    given_back(stack, key)
    assert history(stack, key) == ["unknown-outcome"]
    assert stack.rows("SELECT state FROM page WHERE resource_id = :'id'",
                      id=key) == [{"state": "intent"}]


def test_stop_in_the_midst_of_a_batch(
        stack: Stack, start: Callable[..., Child]) -> None:
    """What was claimed together with a job that takes long, and not begun."""
    key, asked = asking(stack)
    psql(stack.env, """
        UPDATE job SET priority = -10, run_at = now() - interval '1 h'
         WHERE resource_id = :'id';
        INSERT INTO job (workspace, kind, resource_id, priority, run_at)
        SELECT 'default', 'probe', 'batch-' || i, -10,
               now() - interval '1 min' * CASE i WHEN 0 THEN 120 ELSE 1 END
          FROM generate_series(0, 20) i;""", id=key)
    child = start("--linger", "-w1")
    until(asked)
    mine = "FROM job WHERE resource_id LIKE 'batch-%'"
    held = f"SELECT {mine} AND lease_by IS NOT NULL"
    assert len(stack.rows(held)) == 20
    stop(child)
    given_back(stack, key)
    assert stack.rows(held) == []
    assert len(stack.rows(f"SELECT {mine}")) == 20


def test_stop_in_a_transfer(stack: Stack,
                            start: Callable[..., Child]) -> None:
    event = stack.load("2026-03-30/call.recording.completed", stack.fresh())
    key = deliver.resource_id(event)
    asked = stall(stack, service="media", method="GET", path=".")
    stack.send(event)
    child = start("--linger")
    until(asked)
    stop(child)
    given_back(stack, key)


def test_stop_while_waiting_for_a_rate_limit(
        stack: Stack, start: Callable[..., Child]) -> None:
    event = stack.load("2026-03-30/call.completed", stack.fresh())
    key = deliver.resource_id(event)
    psql(stack.env, "UPDATE bucket SET paused_until = now() + interval '1 h'"
         " WHERE service = 'notion';")
    stack.send(event)
    child = start("--linger")
    until(lambda: len(stack.rows("SELECT FROM run")) == 5)
    stop(child)
    given_back(stack, key)
    assert (job(stack, key) or {})["attempts"] == 0


@pytest.mark.parametrize("busy", [False, True])
def test_stop_while_the_database_hangs(
        stack: Stack, start: Callable[..., Child], busy: bool) -> None:
    """A hanging server answers nothing, not even the refusal to connect."""
    key, asked = asking(stack)
    if not busy:
        psql(stack.env, "DELETE FROM job;")
    child = start("--linger", "-w2")
    until(lambda: len(stack.rows("SELECT FROM run")) == 3)
    until(asked) if busy else None
    pidfile = stack.state / "run/pg/data/postmaster.pid"
    server = int(pidfile.read_text().split()[0])
    processes = [server, *children(server)]

    def signal_all(number: int) -> None:
        for pid in processes:
            with contextlib.suppress(ProcessLookupError):  # it was ending
                os.kill(pid, number)

    signal_all(signal.SIGSTOP)
    try:
        time.sleep(1.5)  # now all of them wait for it
        stop(child)
    finally:
        signal_all(signal.SIGCONT)
    # nobody could be told; the next one finds out
    stack.control("DELETE", "/faults")
    if busy:
        until(lambda: stack.process() or state(stack, key) == "done")
        assert title(stack.page(key))


# --- the price ---

def test_a_lingering_processor_is_cheap(
        stack: Stack, start: Callable[..., Child]) -> None:
    """With the usual four workers, five statements a second at most. The
    server's own vacuuming counts as well, so it may look again."""
    start("--linger")
    until(lambda: len(stack.rows("SELECT FROM run")) == 5)
    time.sleep(5)  # what it does once, at its start, is over

    def transactions() -> int:
        # the statistics come a little late
        time.sleep(1.5)
        [row] = stack.rows("SELECT xact_commit + xact_rollback AS n"
                           " FROM pg_stat_database WHERE datname ="
                           " current_database()")
        return int(row["n"])

    def is_cheap() -> bool:
        before, began = transactions(), time.monotonic()
        time.sleep(6)
        spent = transactions() - before
        rate = spent / (time.monotonic() - began)
        print(f"{rate:.1f} statements a second")
        assert rate > 1
        return rate <= 5.5

    until(is_cheap)
