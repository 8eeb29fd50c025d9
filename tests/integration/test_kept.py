"""Connections that the web server keeps: how many there are, and what happens on
one, is no matter of ons-webhook's threads."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from conftest import Stack, children, until
from fastcgi import Kept
from private import Responder, private_responder

import deliver

pytestmark = pytest.mark.sanitize

HOOK = deliver.WEBHOOK_PATH


@pytest.fixture
def single(stack: Stack, tmp_path: Path) -> Iterator[Responder]:
    """It answers one request at a time."""
    with private_responder(
            stack, stack.variant(tmp_path, webhook__threads="1"),
            tmp_path) as responder:
        yield responder


@contextlib.contextmanager
def kept(responder: Responder, n: int) -> Iterator[list[Kept]]:
    connections = [Kept(responder.sock) for _ in range(n)]
    try:
        yield connections
    finally:
        for connection in connections:
            connection.close()


def delivery(stack: Stack) -> tuple[str, bytes, dict[str, str]]:
    """The id of the event, the body, and the headers of it."""
    envelope = stack.load("v4/call.ringing", stack.fresh())
    item = deliver.delivery("", envelope)
    return envelope["id"], item.body, deliver.sign(item, stack.env)


def stored(stack: Stack, event: str) -> bool:
    return bool(stack.rows(
        "SELECT FROM v_events WHERE event_id = :'id'", id=event))


def test_requests_follow_each_other(stack: Stack, single: Responder) -> None:
    with kept(single, 1) as [connection]:
        for _ in range(3):
            event, body, headers = delivery(stack)
            assert connection.request("POST", HOOK, body, headers).status == 200
            assert stored(stack, event)
            assert connection.request("GET", "/health").status == 200
            assert connection.request("POST", HOOK, body).status == 401


def test_an_idle_one_holds_no_thread(stack: Stack, single: Responder) -> None:
    """More connections than threads, each idle while another is answered."""
    with kept(single, 8) as connections:
        for _ in range(3):
            for connection in connections:
                assert connection.request("GET", HOOK).status == 200
            assert single.answers()  # who comes anew


def test_a_silent_one_holds_no_thread(single: Responder) -> None:
    with kept(single, 4), kept(single, 1) as [connection]:
        assert connection.request("GET", HOOK).status == 200


@pytest.mark.parametrize("size", [1, 4096, 60_000])
def test_a_body_nobody_read_is_no_request(stack: Stack, single: Responder,
                                          size: int) -> None:
    """A refusal does not read what it refuses; what follows is understood."""
    _, body, headers = delivery(stack)
    with kept(single, 1) as [connection]:
        for _ in range(3):
            answer = connection.request("POST", "/nope", b"\1" * size)
            assert answer.status == 404
            assert connection.request("POST", HOOK, body, headers).status == 200


def test_a_refusal_of_much_is_read_first(single: Responder) -> None:
    """What is too much to be thrown away costs the connection, once the other
    side has had the answer."""
    with kept(single, 1) as [connection]:
        answer = connection.request("POST", HOOK, b" " * (17 << 20))
        assert answer.status == 413
        with pytest.raises((EOFError, BrokenPipeError, ConnectionResetError)):
            connection.request("GET", HOOK)
    assert single.answers()


def test_rubbish_costs_only_its_connection(single: Responder) -> None:
    with kept(single, 2) as [bad, good]:
        assert bad.request("GET", HOOK).status == 200
        bad.socket.sendall(b"GET / HTTP/1.1\r\n\r\n")
        with pytest.raises(EOFError):
            bad.answer()
        assert good.request("GET", HOOK).status == 200


def test_idle_ones_do_not_keep_it_from_ending(single: Responder) -> None:
    with kept(single, 4) as connections:
        for connection in connections:
            assert connection.request("GET", HOOK).status == 200
        single.stop()


def test_nginx_tries_again_on_another(stack: Stack) -> None:
    """A connection that nginx keeps dies with the child that had it; the
    delivery on its way there does not."""
    parent = int((stack.state / "pids/webhook").read_text().split()[0])
    for _ in range(3):
        with ThreadPoolExecutor(4) as pool:  # one with each worker of nginx
            list(pool.map(lambda _: stack.request("GET", HOOK), range(8)))
        [child] = children(parent)
        event, body, headers = delivery(stack)
        os.kill(child, signal.SIGSTOP)
        with ThreadPoolExecutor(1) as pool:
            answer = pool.submit(stack.request, "POST", HOOK, body, headers)
            time.sleep(0.3)  # it is on its way; if not, nothing is proven
            os.kill(child, signal.SIGKILL)
            assert answer.result().status == 200
        assert stored(stack, event)
        until(lambda: children(parent) not in ([], [child]))
