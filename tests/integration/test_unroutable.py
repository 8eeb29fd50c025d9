"""A database host that does not even refuse: packets to it get lost."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Stack
from private import private_responder

MESSAGE = "2026-03-30/message.received"


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A port of this host whose queue of connections is full: the system drops
    what more of them would begin with, as a black hole does."""
    with contextlib.ExitStack() as opened:
        listener = opened.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(10):
            one = opened.enter_context(socket.socket())
            one.settimeout(0.5)
            try:
                one.connect(listener.getsockname())
            except TimeoutError:
                yield listener.getsockname()[1]
                return
    pytest.skip("this system's queues have no end")


@pytest.fixture
def config(stack: Stack, port: int, tmp_path: Path) -> Path:
    return stack.variant(
        tmp_path, database__conninfo=f"host=127.0.0.1 port={port} dbname=lost",
        database__timeout="3s", webhook__spool=str(tmp_path / "spool"))


def test_deliveries_are_spooled(stack: Stack, config: Path,
                                tmp_path: Path) -> None:
    with private_responder(stack, config, tmp_path) as responder:
        for _ in range(3):
            began = time.monotonic()
            answer = responder.post(stack.load(MESSAGE, stack.fresh()))
            assert time.monotonic() - began < 3
            assert answer.status == 200
        assert responder.is_("degraded")
        assert len(list((tmp_path / "spool/new").iterdir())) == 3
        assert "host 127.0.0.1, database lost" in responder.stop()


@pytest.mark.parametrize("command", [
    ["ons-process", "--drain"], ["ons-process", "--linger"],
    ["onsctl", "status"], ["onsctl", "migrate"]], ids=" ".join)
def test_programs_say_so(stack: Stack, config: Path,
                         command: list[str]) -> None:
    """What, where, and what to do."""
    began = time.monotonic()
    done = stack.run(*command, config=config, expect=75)
    assert time.monotonic() - began < 30  # the system: two minutes
    for part in ("cannot reach", "host 127.0.0.1, database lost",
                 "see [database]"):
        assert part in done.stderr


def test_the_system_need_not_give_up(stack: Stack, port: int,
                                     tmp_path: Path) -> None:
    """[database] timeout is for connecting, too."""
    config = stack.variant(tmp_path, database__timeout="2s",
                           database__conninfo=f"host=127.0.0.1 port={port}"
                                              " tcp_user_timeout=100000")
    done = stack.run("onsctl", "status", config=config, expect=75)
    assert "no answer in 2000 ms" in done.stderr


def test_the_next_host_gets_its_turn(stack: Stack, port: int,
                                     tmp_path: Path) -> None:
    """Though the first one says nothing."""
    env = stack.env
    config = stack.variant(
        tmp_path, database__timeout="10s", database__conninfo=(
            f"host=127.0.0.1,{env['PGHOST']} port={port},{env['PGPORT']}"
            f" dbname={env['PGDATABASE']}"))
    stack.run("ons-process", "--drain", config=config)
