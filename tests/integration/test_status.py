"""onsctl status: how things are, at a glance, and again and again."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Stack, psql
from private import private_cluster

pytestmark = pytest.mark.sanitize


def told(stack: Stack) -> dict[str, Any]:
    """Of the one workspace."""
    said = json.loads(stack.run("onsctl", "--json", "status").stdout)
    assert said["unconfigured"] == [] and said["spooled"]["files"] == 0
    [workspace] = said["workspaces"]
    return dict(workspace)


def shown(stack: Stack) -> str:
    return stack.run("onsctl", "status").stdout


@pytest.fixture
def alone(stack: Stack) -> Iterator[None]:
    """What other tests have left, and what these leave, is not there."""
    stack.process()
    clean = "DELETE FROM job; DELETE FROM trouble; DELETE FROM bucket;"
    psql(stack.env, clean)
    stack.send(stack.load("2026-03-30/message.received", stack.fresh()))
    stack.process()
    yield
    psql(stack.env, clean)


def test_what_came_and_what_became_of_it(stack: Stack, alone: None) -> None:
    before = told(stack)
    assert before["jobs"] == {} and before["due_since"] is None
    stack.send(stack.load("2026-03-30/message.received", stack.fresh()))
    waiting = told(stack)
    assert waiting["deliveries_today"] == before["deliveries_today"] + 1
    assert waiting["last_delivery"] > before["last_delivery"]
    assert waiting["jobs"] == {"due": 1}
    assert waiting["due_since"] == waiting["last_delivery"]
    stack.process()
    after = told(stack)
    assert after["jobs"] == {} and after["due_since"] is None
    for count in ("pages_today", "pages_written_today", "resources_today"):
        assert after[count] == before[count] + 1, count
    assert after["last_page"] > waiting["last_delivery"]


def test_the_text_has_what_the_json_has(stack: Stack, alone: None) -> None:
    psql(stack.env, """
        INSERT INTO job (workspace, kind, resource_id, run_at, dead, created_at)
        VALUES ('default', 'call', 'ACstatus1', now() - interval '7470 s', false,
                now()),
               ('default', 'call', 'ACstatus2', now() - interval '9 h', true,
                now()),
               ('default', 'call', 'ACstatus3', now() + interval '9 h', false,
                now());
        INSERT INTO trouble (workspace, service, part, reason)
        VALUES ('default', 'storage', '', 'the bucket is full');
        UPDATE bucket SET paused_until = now() + interval '1 h',
                          reason = '429: slow down' WHERE service = 'notion';
    """)
    said, text = told(stack), shown(stack)
    assert said["jobs"] == {"dead": 1, "due": 1, "waiting": 1}
    assert "jobs        1 dead, 1 due, 1 waiting; the oldest has been due" \
        " for 2 h 5 min\n" in text
    assert f"deliveries  {said['deliveries_today']} today, last " in text
    assert f"pages       {said['pages_today']} new and " \
        f"{said['pages_written_today']} written today, last new " in text
    notion, openphone = said["services"]
    assert (notion["service"], openphone["service"]) == ("notion", "openphone")
    for service in (notion, openphone):
        assert f"{service['service']:12}{service['requests_today']} requests" \
            f" today, {service['each']:.2f} for each" in text
    assert notion["reason"] == "429: slow down" and notion["paused_until"]
    assert "; PAUSED until 2" in text and ": 429: slow down\n" in text
    assert openphone["paused_until"] is None
    [trouble] = said["troubles"]
    assert trouble["service"] == "storage"
    assert "TROUBLE     storage since 2" in text
    assert ": the bucket is full\n" in text


@pytest.mark.parametrize("slots_ahead, learned, used, limit", [
    # as if the window had just been filled, whatever the clock says
    (1000, None, 21, 1000000), (1000, 40, 21, 40),
    (-1000, None, 0, 1000000),  # the window is over
])
def test_the_use_of_the_rate(stack: Stack, alone: None, slots_ahead: int,
                             learned: int | None, used: int,
                             limit: int) -> None:
    psql(stack.env, f"""
        DELETE FROM bucket;
        INSERT INTO bucket (workspace, service, slot, used, learned,
                            learned_at, hits)
        VALUES ('default', 'notion',
                extract(epoch FROM now()) * 1000 * 240 / 60500 + {slots_ahead},
                array_fill(0, ARRAY[233]) || '{{1,2,3,4,5,6,0}}',
                {'NULL' if learned is None else learned},
                now() + interval '1 h', 8);""")
    notion = told(stack)["services"][0]
    assert (notion["requests"], notion["limit"]) == (used, limit)
    assert f"; {used} of {limit} in the last 60 s\n" in shown(stack)


def test_usage(stack: Stack) -> None:
    for wrong in (["now"], ["--watch", "0"], ["--watch", "x"],
                  ["--watch=4000"], ["--what"]):
        assert stack.run("onsctl", "status", *wrong, expect=64).stdout == ""


# --- again and again ---

class Watching:
    """A program whose lines are waited for."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.lines: queue.Queue[str] = queue.Queue()
        for pipe in (process.stdout, process.stderr):
            if pipe:
                threading.Thread(target=self._read, args=[pipe],
                                 daemon=True).start()

    def _read(self, pipe: Any) -> None:
        for line in pipe:
            self.lines.put(line.decode())

    def until(self, text: str) -> str:
        """The first line from now on that has it."""
        while text not in (line := self.lines.get(timeout=60)):
            pass
        return line


@contextlib.contextmanager
def watching(stack: Stack, *args: str, end: int = signal.SIGTERM,
             **options: Any) -> Iterator[Watching]:
    process = stack.start("onsctl", *args, **options)
    try:
        yield Watching(process)
        process.send_signal(end)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_watching_survives_the_database(stack: Stack, end: int) -> None:
    with private_cluster(stack) as cluster, \
            watching(stack, "status", "--watch", "1", end=end,
                     config=cluster.config()) as shown:
        for _ in range(2):
            shown.until("jobs        none unfinished")
        cluster.crash()
        shown.until("onsctl: ")
        cluster.start()
        shown.until("jobs        none unfinished")
        psql(cluster.env, "INSERT INTO job (workspace, kind, resource_id)"
             " VALUES ('default', 'call', 'ACwatch1');")
        shown.until("jobs        1 due")


def test_watching_as_json_is_a_document_a_line(stack: Stack) -> None:
    with private_cluster(stack) as cluster, \
            watching(stack, "--json", "status", "--watch=1",
                     config=cluster.config()) as shown:
        [workspace] = json.loads(shown.until('"jobs"'))["workspaces"]
        assert workspace["jobs"] == {}
        cluster.crash()
        away = json.loads(shown.until('"error"'))
        assert away["spooled"] is not None and away["workspaces"] == []
        cluster.start()
        assert "error" not in json.loads(shown.until('"jobs"'))


def test_watching_ends_while_the_database_says_nothing(stack: Stack) -> None:
    with private_cluster(stack) as cluster, \
            watching(stack, "status", "--watch", "1",
                     config=cluster.config(database__timeout="60s")) as shown:
        shown.until("jobs")
        cluster.freeze()
        time.sleep(1.5)  # by now it looks again, and waits for an answer


def test_watching_redraws_a_terminal(stack: Stack) -> None:
    ours, theirs = pty.openpty()
    process = stack.start("onsctl", "status", "--watch", "1", stdout=theirs)
    os.close(theirs)
    try:
        text = ""
        while text.count("\033[H\033[2J") < 2:
            text += os.read(ours, 4096).decode()
        assert "deliveries" in text.split("\033[H\033[2J")[1]
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(OSError):  # EIO: it is gone
            while os.read(ours, 4096):
                pass
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def test_watching_ends_when_nobody_reads(stack: Stack) -> None:
    process = stack.start("onsctl", "status", "--watch", "1")
    assert process.stdout
    assert process.stdout.readline()
    process.stdout.close()
    try:
        assert process.wait(60) in (0, -signal.SIGPIPE)
    finally:
        process.kill()
        process.wait()


def test_once_without_the_database(stack: Stack, tmp_path: Path) -> None:
    """What this host knows is told all the same."""
    config = stack.variant(tmp_path, database__conninfo="host=/nonexistent")
    done = stack.run("onsctl", "--json", "status", config=config, expect=75)
    said = json.loads(done.stdout)
    assert said["spooled"]["files"] == 0 and said["error"] in done.stderr
