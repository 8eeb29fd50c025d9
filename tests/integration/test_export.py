"""onsctl export: all that is known, whole, and only of whom it was asked."""

from __future__ import annotations

import csv
import io
import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Stack, peak, psql
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from proof import SMS, alone
from test_forget import Somebody

import deliver

assert alone  # a fixture
pytestmark = pytest.mark.usefixtures("alone")
EX_USAGE, EX_DATAERR = 64, 65
CALCULATED = tuple("=+-@\t\r\n")


def export(stack: Stack, *args: str, **more: Any) -> list[dict[str, Any]]:
    out = stack.run("onsctl", "export", *args, **more).stdout
    return [json.loads(line) for line in out.splitlines()]


def bare(cell: str) -> str:
    """What was there before a spreadsheet was told that it is text."""
    assert not cell.startswith(CALCULATED)
    return cell.removeprefix("'")


def table(stack: Stack, *args: str) -> list[dict[str, str]]:
    # as bytes: text mode would take line ends for others
    child = stack.start("onsctl", "export", "--format", "csv", *args)
    out, err = child.communicate(timeout=120)
    assert child.returncode == 0, err
    rows = csv.DictReader(io.StringIO(out.decode(), newline=""), strict=True)
    return [{name: bare(cell) for name, cell in row.items()} for row in rows]


@pytest.fixture
def everybody(stack: Stack) -> Iterator[Any]:
    """Somebody, somebody else who mentions the first one, and both together."""
    person, other = Somebody(stack), Somebody(stack)
    person.arrive()
    other.arrive()
    mention = other.of(SMS, f"{other.suffix}mention")
    mention["data"]["resource"]["text"] = f"Call {person.number}!"
    group = person.of("2026-03-30/message.received-group",
                      f"{person.suffix}group")
    stack.send(mention, group)
    stack.process()
    yield person, other, deliver.resource_id(group)


@pytest.mark.sanitize
def test_a_person(stack: Stack, everybody: Any) -> None:
    person, other, group = everybody
    found = export(stack, "--number", person.typed)
    assert {row["id"] for row in found} == person.keys | {group}
    assert export(stack, "--contact", person.id) == found
    by_id = {row["id"]: row for row in found}
    call = by_id[deliver.resource_id(person.events[1])]
    assert call["outcome"] == "answered" and call["workspace"] == "default"
    assert [line["identifier"] for line in
            call["facts"]["transcripts"]["call"]["dialogue"]][1] == \
        person.number
    [file] = call["files"]
    assert "/r/" in file["link"] and file["key"].startswith("recordings/")
    assert len(stack.object(file["key"])) == file["size"]
    assert call["page"].startswith("https://")
    contact = by_id[person.id]
    assert contact["facts"]["firstName"] == person.name
    only = export(stack, "--number", person.number, "--kind", "contact")
    assert only == [contact]
    assert {row["id"] for row in export(stack)} == {
        row["id"] for row in stack.rows("SELECT id FROM resource")}
    assert export(stack, "--until", "2026-04-12", "--kind", "call") == []
    assert len(export(stack, "--since", "2026-04-13", "--until", "2026-04-13",
                      "--kind", "call")) == 4
    assert len(other.keys) == 5


@pytest.mark.sanitize
def test_as_a_table(stack: Stack, everybody: Any) -> None:
    person, _, group = everybody
    raw = stack.run("onsctl", "export", "--format", "csv", "--number",
                    person.number).stdout
    # a number is text, and can be read
    assert f"\"'{person.number}\"" in raw
    rows = {row["id"]: row for row in table(stack, "--number", person.number)}
    assert rows.keys() == person.keys | {group}
    call = rows[deliver.resource_id(person.events[1])]
    assert (call["kind"], call["direction"], call["outcome"], call["parties"],
            call["ours"], call["duration"]) == (
        "call", "incoming", "answered", person.number, "+15550002222", "74")
    assert f"{person.number}: Hi Sam, it's {person.name}." in \
        call["transcript"]
    assert call["transcript"].count("\n") == 4
    assert call["files"].startswith("recordings/") and "/r/" in call["links"]
    assert rows[person.id]["name"] == f"{person.name} Roe"
    assert rows[group]["parties"].split("\n")[0] == "+15550003333"


TEXTS = st.text(
    st.one_of(st.sampled_from("=+-@\t\r\n'\",; |"), st.characters(
        blacklist_categories=("Cs",), blacklist_characters="\0")),
    max_size=40)


@pytest.mark.sanitize
@settings(max_examples=8, deadline=None, derandomize=True,
          suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(TEXTS, min_size=20, max_size=200))
def test_every_text_comes_back(stack: Stack, written: list[str]) -> None:
    """And none of them is a formula."""
    rows = json.dumps([{"id": f"ACx{n:04}", "text": text}
                       for n, text in enumerate(written)])
    psql(stack.env, "DELETE FROM resource; INSERT INTO resource (workspace,"
         " kind, id, facts, times) SELECT 'default', 'message', r ->> 'id', r,"
         " '{}' FROM jsonb_array_elements(:'rows'::jsonb) r;", rows=rows)
    assert [row["text"] for row in table(stack)] == written
    assert [row["facts"]["text"] for row in export(stack)] == written


def test_many(stack: Stack) -> None:
    """100,000 messages, some of them long: memory stays as it is."""
    def fill(begin: int, end: int) -> None:
        psql(stack.env, "INSERT INTO resource (workspace, kind, id, facts,"
             " times) SELECT 'default', 'message', 'ACm' || lpad(n::text, 7,"
             " '0'), jsonb_build_object('id', 'ACm' || n, 'createdAt',"
             " '2026-01-01T00:00:00.000Z', 'from', '+15550009999', 'to',"
             " '[\"+15550002222\"]'::jsonb, 'text', repeat(md5(n::text),"
             " CASE WHEN n % 1000 = 0 THEN 10000 ELSE 3 END)), '{}'"
             f" FROM generate_series({begin}, {end}) n; ANALYZE resource;")

    def measure(total: int, *args: str) -> int:
        """KiB at the most; the last tenth is more than a pipe holds, so that
        it still runs before that."""
        child = stack.start("onsctl", "export", *args)
        assert child.stdout
        n = most = 0
        for n, _ in enumerate(child.stdout, 1):
            if n == total * 9 // 10:
                most = peak(child.pid)
        assert child.wait(60) == 0
        assert child.stderr
        child.stdout.close()
        child.stderr.close()
        assert n == total
        return most

    fill(1, 5000)
    before = measure(5000)
    as_csv = measure(5001, "--format", "csv")
    fill(5001, 100000)
    after = measure(100000)
    assert after < before + 4096, (before, after)
    assert as_csv < before + 4096, (before, as_csv)


@pytest.mark.sanitize
def test_the_file(stack: Stack, tmp_path: Path) -> None:
    psql(stack.env, "INSERT INTO resource (workspace, kind, id, facts, times)"
         " VALUES ('default', 'message', 'ACone', '{\"id\": \"ACone\"}',"
         " '{}');")
    path = tmp_path / "export.jsonl"
    done = stack.run("onsctl", "export", "--output", str(path))
    assert done.stdout == f"1 records in {path}\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_bytes()
    done = stack.run("onsctl", "export", "--output", str(path),
                     expect=EX_DATAERR)
    assert "exists" in done.stderr and path.read_bytes() == before
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "elsewhere")
    stack.run("onsctl", "export", "--output", str(link), expect=EX_DATAERR)
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.sanitize
def test_what_cannot_be_written(stack: Stack) -> None:
    psql(stack.env, "INSERT INTO resource (workspace, kind, id, facts, times)"
         " SELECT 'default', 'message', 'ACn' || n, jsonb_build_object('text',"
         " repeat('x', 9999)), '{}' FROM generate_series(1, 300) n;")
    for format_ in ("jsonl", "csv"):
        with open("/dev/full", "wb") as full:
            child = stack.start("onsctl", "export", "--format", format_,
                                stdout=full)
            _, err = child.communicate(timeout=60)
        assert child.returncode == EX_DATAERR
        assert b"the output is incomplete" in err and b"No space" in err


@pytest.mark.sanitize
def test_what_is_asked_for(stack: Stack) -> None:
    for args in (["--format", "xml"], ["--kind", "task"], ["x"],
                 ["--since", "never"]):
        stack.run("onsctl", "export", *args, expect=EX_USAGE)
    done = stack.run("onsctl", "export", "--contact", "CTnobody",
                     expect=EX_DATAERR)
    assert "CTnobody" in done.stderr
    assert export(stack, "--number", "+15550006666") == []
