"""Calls of four hours: all of what was said, in few blocks and little memory."""

from __future__ import annotations

import copy
import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from conftest import Stack, blocks, children, psql, texts
from private import private_responder

import deliver

LINES = 20_000
LONG_BLOCKS = 16  # facts, summary, and 200 KB of text each
MEMORY_KB = 14 * 1024  # of a worker, everything that it has ever held at once
KEPT_KB = 4 * 1024  # by a responder, of deliveries of 2 MB

WORDS = "well then we could see about that on Monday if nobody minds".split()
# What makes text hard: emoji of several code points, right to left, combining
# marks, half a surrogate pair, control characters, a NUL, JSON's own signs.
NASTY = ["👩‍👩‍👧‍👦🏳️‍🌈", "שלום \u202eעולם\u202c", "e\u0301\u0323a\u030a" * 3,
         "half \ud83d of it", "bell\x07 and\x1b[31m red", "nul\x00nul",
         'she said "no\\" \t and left', "日本語" * 7, "a\nb", "</script>&amp;",
         "[1,2]", "\"dialogue\":["]


def line(number: int, text: str) -> dict[str, Any]:
    """Our user and the caller by turns."""
    ours = number % 2 == 0
    return {"content": f"#{number} {text}", "start": round(number * 0.72, 2),
            "end": round(number * 0.72 + 0.6, 2),
            "identifier": "+15550002222" if ours else "+15550001111",
            "userId": "UStest01" if ours else None}


def plain(number: int) -> str:
    first = number % len(WORDS)
    return " ".join(WORDS[first:first + 4])


def nasty(number: int) -> str:
    return NASTY[number % len(NASTY)]


def transcript(stack: Stack, suffix: str, text: Any = plain,
               lines: int = LINES) -> dict[str, Any]:
    event = stack.load("2026-03-30/call.transcript.completed", suffix)
    event["data"]["resource"]["dialogue"] = [
        line(number, text(number)) for number in range(lines)]
    return event


def send(stack: Stack, *events: Any) -> None:
    """As Stack.send(), with escapes: half a pair has no UTF-8."""
    items = [deliver.Delivery(
        str(number), json.dumps(event, separators=(",", ":")).encode(), True)
        for number, event in enumerate(events)]
    assert [a for a in deliver.send(items, stack.env) if not a.accepted] == []


def as_stored(text: str) -> str:
    """What is no text is replaced."""
    return re.sub("[\ud800-\udfff\x00]", "\ufffd", text)


def as_shown(text: str) -> str:
    """On its way to a page control characters are left out, too."""
    return re.sub(r"[\x01-\x08\x0b-\x1f\x7f]", "", as_stored(text))


def check_whole(page: dict[str, Any], text: Any, lines: int = LINES) -> None:
    """Every line is there, in order, and nothing twice."""
    body, at = texts(page), 0
    for number in range(lines):
        wanted = as_shown(f"#{number} {text(number)}")
        found = body.find(wanted, at)
        assert found >= 0, f"line {number} is not there: {wanted!r}"
        at = found + len(wanted)
    assert len(re.findall(r"#\d+ ", body)) == lines


def unfinished(stack: Stack) -> int:
    return stack.rows("SELECT count(*) FROM v_jobs"
                      " WHERE state <> 'dead'")[0]["count"]


@contextmanager
def worker(stack: Stack, config: Path) -> Iterator[int]:
    """A lingering ons-process with one worker: its pid."""
    program = Path(stack.env["ONS_BIN"]) / "ons-process"
    if b"__asan_init" in program.read_bytes():
        pytest.skip("sanitizers take memory of their own")
    parent = stack.start("ons-process", "--linger", "--workers", "1",
                         config=config)
    try:
        children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children")
        until(lambda: children.read_text().split())
        yield int(children.read_text().split()[0])
    finally:
        parent.terminate()
        _, log = parent.communicate(timeout=60)
    assert parent.returncode == 0, log.decode()


def until(done: Any) -> None:
    limit = time.monotonic() + 120
    while not done():
        assert time.monotonic() < limit, "it takes too long"
        time.sleep(0.1)


def status_kb(pid: int, name: str) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(rf"^{name}:\s+(\d+) kB$", status, re.MULTILINE)
    assert found, status
    return int(found[1])


def peak_kb(pid: int) -> int:
    return status_kb(pid, "VmHWM")


def own_kb(pid: int) -> int:
    return status_kb(pid, "RssAnon")


@pytest.fixture
def original(stack: Stack, tmp_path: Path) -> Iterator[None]:
    """Databases with the original project's columns, for a while."""
    names = ("workspace, kind, database_id, data_source_id, style, properties,"
             " columns")
    before = stack.rows(f"SELECT {names} FROM destination")
    psql(stack.env, "DELETE FROM destination;")
    stack.run("onsctl", "init",
              config=stack.variant(tmp_path, notion__schema="original"))
    yield
    psql(stack.env, "DELETE FROM destination;"
         f" INSERT INTO destination ({names}) SELECT {names} FROM"
         " json_populate_recordset(NULL::destination, :'rows');",
         rows=json.dumps(before))


def notion_requests(stack: Stack) -> int:
    return sum(stack.control("GET", "/stats")["counts"]["notion"].values())


def check_memory(stack: Stack, config: Path) -> None:
    """Long calls, one after the other, by the same worker; of one, more comes
    afterwards, so that its transcript is read back and folded again."""
    violations = stack.control("GET", "/stats")["violations"]
    kinds = (plain, nasty)
    calls = [transcript(stack, stack.fresh(), text) for text in kinds]
    stack.process()  # what other tests left is not counted
    before = notion_requests(stack)
    with worker(stack, config) as pid:
        send(stack, *calls)
        until(lambda: unfinished(stack) == 0)
        assert notion_requests(stack) - before <= 6 * len(calls)
        again = copy.deepcopy(calls[0])
        again["id"] += "again"
        summary = stack.load("2026-03-30/call.summary.completed")
        summary["data"]["resource"]["callId"] = deliver.resource_id(again)
        send(stack, again, summary)
        until(lambda: unfinished(stack) == 0)
        peak = peak_kb(pid)
    print(f"{peak} kB")
    assert peak < MEMORY_KB
    for call, text in zip(calls, kinds):
        page = stack.page(deliver.resource_id(call))
        check_whole(page, text)
        assert len(list(blocks(page))) <= LONG_BLOCKS
    told = summary["data"]["resource"]["summary"][0]
    assert told in texts(stack.page(deliver.resource_id(again)))
    assert stack.control("GET", "/stats")["violations"] == violations


@pytest.mark.parametrize("mode", ["normal", "few"])
def test_a_long_call_takes_little_memory(
        stack: Stack, tmp_path: Path, mode: str) -> None:
    check_memory(stack, stack.variant(tmp_path, notion__blocks=mode))


@pytest.mark.parametrize("mode", ["normal", "few"])
def test_a_long_call_in_the_original_columns(
        stack: Stack, tmp_path: Path, original: None, mode: str) -> None:
    check_memory(stack, stack.variant(tmp_path, notion__schema="original",
                                      notion__blocks=mode))


def test_a_long_transcript_that_only_the_api_has(
        stack: Stack, tmp_path: Path) -> None:
    call = stack.load("2026-03-30/call.completed", stack.fresh())
    key = deliver.resource_id(call)
    lines = [line(number, plain(number)) for number in range(LINES)]
    for one in lines:
        one["actorId"] = one.pop("userId")
    stack.control("POST", "/openphone/calls", {"id": key})
    stack.control("POST", "/openphone/transcripts", {
        "callId": key, "recordingId": "CR" + key, "status": "completed",
        "startTime": "2026-01-15T15:29:28.110Z", "duration": 4 * 3600,
        "dialogue": lines})
    with worker(stack, stack.variant(tmp_path)) as pid:
        stack.send(call)
        until(lambda: unfinished(stack) == 0)
        assert peak_kb(pid) < MEMORY_KB
    check_whole(stack.page(key), plain)


def test_responders_do_not_keep_what_long_deliveries_took(
        stack: Stack, tmp_path: Path) -> None:
    """But for libpq's one buffer, as large as the largest of them."""
    program = Path(stack.env["ONS_BIN"]) / "ons-webhook"
    if b"__asan_init" in program.read_bytes():
        pytest.skip("sanitizers take memory of their own")
    with private_responder(stack, stack.variant(tmp_path),
                           stack.state / "run") as webhook:
        [pid] = children(webhook.process.pid)
        webhook.post(stack.load("2026-03-30/message.received", stack.fresh()))
        before = own_kb(pid)
        for _ in range(8):
            long = transcript(stack, stack.fresh(), str)
            assert webhook.post(long).status == 200
        kept = own_kb(pid) - before
    print(f"{kept} kB")
    assert kept < KEPT_KB


@pytest.mark.sanitize
@pytest.mark.parametrize(("mode", "limit"), [("normal", 12), ("few", 4)])
def test_an_ordinary_call_has_few_blocks(
        stack: Stack, tmp_path: Path, mode: str, limit: int) -> None:
    """Recording, summary, next steps and half an hour of talk."""
    suffix = stack.fresh()
    names = ("call.completed", "call.recording.completed",
             "call.summary.completed")
    call = transcript(stack, suffix, lines=400)
    stack.send(call, *(stack.load(f"2026-03-30/{name}", suffix)
                       for name in names))
    stack.run("ons-process", "--drain",
              config=stack.variant(tmp_path, notion__blocks=mode))
    page = stack.page(deliver.resource_id(call))
    check_whole(page, plain, 400)
    assert len(list(blocks(page))) <= limit


@pytest.mark.sanitize
@pytest.mark.parametrize("text", [plain, nasty])
def test_a_long_call_arrives_whole(stack: Stack, text: Any) -> None:
    """Without a look at memory, so that sanitizers can look at it."""
    call = transcript(stack, stack.fresh(), text, 3000)
    send(stack, call)
    stack.process()
    send(stack, {**call, "id": call["id"] + "again"})
    stack.process()
    check_whole(stack.page(deliver.resource_id(call)), text, 3000)


@pytest.mark.sanitize
@pytest.mark.parametrize("text", [plain, nasty])
def test_a_long_transcript_can_be_read_in_psql(
        stack: Stack, text: Any) -> None:
    """As model/lines.h says; it was sent in pieces."""
    call = transcript(stack, stack.fresh(), text, 3456)
    send(stack, call)
    stack.process()
    rows = stack.rows("""
        SELECT line FROM v_calls,
               jsonb_array_elements_text(
                   transcripts #> '{call,dialogue}') AS text,
               jsonb_array_elements(text::jsonb) AS line
         WHERE call_id = :'id'""", id=deliver.resource_id(call))
    wanted = [[as_stored(line["content"]), *(line[name] for name in
               ("start", "end", "identifier", "userId"))]
              for line in call["data"]["resource"]["dialogue"]]
    assert [row["line"] for row in rows] == \
        [line if line[-1] is not None else line[:-1] for line in wanted]
