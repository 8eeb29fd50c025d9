"""Notion is people's own: what they change there stays as they like it, and
pages go on being kept up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import deliver
import pytest
from conftest import Stack, blocks, psql, request, texts, title

pytestmark = pytest.mark.sanitize

LIFE = tuple("2026-03-30/" + name for name in (
    "call.completed", "call.recording.completed",
    "call.transcript.completed", "call.summary.completed"))


class Person:
    """Somebody at work in Notion."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        text = stack.config.read_text().partition("[notion]")[2]
        keys = dict(line.split(" = ", 1) for line in text.splitlines()
                    if " = " in line)
        self.base = keys["api_base"]
        self.headers = {"Authorization": "Bearer " + keys["api_key"],
                        "Notion-Version": "2026-03-11",
                        "Content-Type": "application/json"}

    def __call__(self, method: str, path: str, data: Any = None) -> Any:
        body = None if data is None else json.dumps(data).encode()
        answer = request(f"{self.base}/v1/{path}", method, body, self.headers)
        assert answer.status == 200, answer.body
        return answer.json

    def source(self, kind: str = "call") -> str:
        [row] = self.stack.rows("SELECT data_source_id FROM destination"
                                " WHERE kind = :'kind'", kind=kind)
        return row["data_source_id"]

    def change_column(self, name: str, change: Any) -> None:
        self("PATCH", f"data_sources/{self.source()}",
             {"properties": {name: change}})


@pytest.fixture
def person(stack: Stack) -> Person:
    return Person(stack)


@pytest.fixture
def own_databases(stack: Stack) -> Iterator[None]:
    """Databases that the test may spoil."""
    psql(stack.env, "CREATE TABLE kept AS SELECT * FROM destination;"
         "DELETE FROM destination;")
    stack.run("onsctl", "init")
    yield
    psql(stack.env, "BEGIN; DELETE FROM destination; INSERT INTO destination"
         " SELECT * FROM kept; DROP TABLE kept; COMMIT;")


def begin(stack: Stack, parts: int = 1) -> tuple[list[dict[str, Any]], str]:
    """A call, and how much of it has come so far."""
    suffix = stack.fresh()
    life = [stack.load(name, suffix) for name in LIFE]
    stack.send(*life[:parts])
    stack.process()
    return life, deliver.resource_id(life[0])


def go_on(stack: Stack, life: list[dict[str, Any]],
          config: Path | None = None) -> str:
    """The rest of it; what the log says."""
    stack.send(*life)
    return stack.run("ons-process", "--drain", config=config).stderr


def plain(value: dict[str, Any]) -> str:
    return "".join(item["plain_text"] for item in value[value["type"]])


# ---- columns ----

def test_a_renamed_column_keeps_working(
        stack: Stack, person: Person, own_databases: None) -> None:
    life, key = begin(stack)
    person.change_column("Summary", {"name": "What it was about"})
    person.change_column("Outcome", {"name": "How it went"})
    go_on(stack, life[1:])
    later, other = begin(stack, 4)
    for resource in (key, other):
        values = stack.page(resource)["properties"]
        assert "Summary" not in values and "Outcome" not in values
        assert "posters" in plain(values["What it was about"])
        assert values["How it went"]["select"]["name"] == "Answered"


TYPES = {"Outcome": "rich_text", "Talk time": "rich_text",
         "Direction": "multi_select", "User": "select",
         "With": "email", "From": "rich_text", "To": "number",
         "Recording": "files", "Duration": "checkbox",
         "Started": "rich_text", "Link": "rich_text"}


def test_values_are_converted_to_the_columns_type(
        stack: Stack, person: Person, own_databases: None) -> None:
    """A person gave other types to columns, some of which the value does not
    fit into: that one stays empty, the page does not."""
    own = person("GET", f"data_sources/{person.source()}")["properties"]
    changes = {name: {kind: {}} for name, kind in TYPES.items() if name in own}
    assert len(changes) > 8
    person("PATCH", f"data_sources/{person.source()}",
           {"properties": changes})
    _, key = begin(stack, 4)
    values = stack.page(key)["properties"]
    for name in changes:
        assert values[name]["type"] == TYPES[name]
    assert plain(values["Outcome"]) == "Answered"
    assert [one["name"] for one in values["Direction"]["multi_select"]] == \
        ["incoming"]
    assert values["User"]["select"] is None  # a name makes no option
    assert values["With"]["email"] is None
    assert plain(values["From"]) == "+15550001111"
    [file] = values["Recording"]["files"]
    assert "/r/" in file["external"]["url"]
    assert values["Duration"]["checkbox"] is True
    assert plain(values["Started"]).startswith("2026-04-13")
    assert stack.rows("SELECT * FROM v_jobs WHERE resource_id = :'id'",
                      id=key) == []


def test_status_columns_take_the_options_they_have(
        stack: Stack, person: Person, own_databases: None) -> None:
    made = stack.control("POST", "/notion/databases", {
        "title": "Board", "properties": {
            "Name": {"title": {}}, "OpenPhone ID": {"rich_text": {}},
            "Outcome": {"status": {"options": [
                {"name": "answered", "color": "green"},
                {"name": "To do", "color": "gray"}]}},
            "Phone number": {"phone_number": {}},
            "Duration": {"number": {}}}})
    stack.run("onsctl", "init", "--calls", made["database_id"])
    _, key = begin(stack)
    values = stack.page(key)["properties"]
    assert values["Outcome"]["status"]["name"].lower() == "answered"
    assert values["Duration"]["number"] == 74


def test_a_column_that_is_deleted_is_told_of_once(
        stack: Stack, person: Person, own_databases: None) -> None:
    life, key = begin(stack)
    person.change_column("Summary", None)
    log = go_on(stack, life[1:])
    assert log.count("Summary: no such column") == 1
    assert "posters" in texts(stack.page(key))
    later, other = begin(stack)
    assert "no such column" not in go_on(stack, later[1:])
    assert stack.rows("SELECT skipped FROM destination"
                      " WHERE kind = 'call'") == \
        [{"skipped": ["Summary: no such column"]}]
    done = stack.run("onsctl", "init")
    assert "Summary: no such column" in done.stdout


def test_init_extend_adds_what_is_missing(
        stack: Stack, person: Person, own_databases: None) -> None:
    made = stack.control("POST", "/notion/databases", {
        "title": "My calls", "properties": {
            "What": {"title": {}}, "Notes": {"rich_text": {}},
            "Duration": {"rich_text": {}}}})
    refused = stack.run("onsctl", "init", "--calls", made["database_id"],
                        expect=None)
    assert refused.returncode != 0 and "OpenPhone ID" in refused.stderr
    done = stack.run("onsctl", "init", "--calls", made["database_id"],
                     "--extend")
    assert 'added the column "OpenPhone ID"' in done.stdout
    assert 'added the column "Duration"' not in done.stdout
    assert "left out" not in done.stdout
    columns = person("GET",
                     f"data_sources/{made['data_source_id']}")["properties"]
    assert columns["Duration"]["type"] == "rich_text"
    assert columns["Talk time"]["type"] == "number"
    assert columns["Notes"] and "Name" not in columns
    _, key = begin(stack, 4)
    values = stack.page(key)["properties"]
    assert "posters" in plain(values["Summary"])
    assert plain(values["OpenPhone ID"]) == key
    # again: nothing is missing, nothing is asked for
    writes = len(record(stack, "PATCH"))
    done = stack.run("onsctl", "init", "--extend")
    assert "added" not in done.stdout and "left out" not in done.stdout
    assert len(record(stack, "PATCH")) == writes


def record(stack: Stack, method: str) -> list[dict[str, Any]]:
    with open(stack.env["SANDBOX_RECORD"], encoding="utf-8") as lines:
        return [line for line in map(json.loads, lines)
                if line["service"] == "notion" and line["method"] == method]


def test_init_extend_says_what_notion_did_not_take(
        stack: Stack, own_databases: None) -> None:
    """Notion may answer 200 and leave a column out."""
    made = stack.control("POST", "/notion/databases", {
        "title": "Stubborn", "properties": {
            "Name": {"title": {}}, "OpenPhone ID": {"rich_text": {}}}})
    source = request(f"{Person(stack).base}/v1/data_sources/"
                     f"{made['data_source_id']}", "GET", None,
                     Person(stack).headers)
    stack.control("POST", "/faults", {
        "service": "notion", "method": "PATCH", "path": "/v1/data_sources/",
        "status": 200, "body": source.json})
    done = stack.run("onsctl", "init", "--calls", made["database_id"],
                     "--extend")
    assert 'Notion did not take the column "Talk time"' in done.stdout
    assert "left out: Talk time: no such column" in done.stdout
    assert "added" not in done.stdout


# ---- pages ----

def test_own_blocks_and_columns_stay(stack: Stack, person: Person,
                                     own_databases: None) -> None:
    person.change_column("Rating", {"rich_text": {}})
    life, key = begin(stack)
    page = stack.page(key)
    person("PATCH", f"pages/{page['id']}", {"properties": {
        "Rating": {"rich_text": [{"text": {"content": "5 stars"}}]}}})
    stack.control("POST", f"/notion/pages/{page['id']}/blocks", [
        {"paragraph": {"rich_text": [
            {"text": {"content": "Called back, all settled."}}]}}])
    for part in life[1:]:
        go_on(stack, [part])
    page = stack.page(key)
    assert plain(page["properties"]["Rating"]) == "5 stars"
    body = texts(page)
    assert body.count("Called back, all settled.") == 1
    for words in ("Summary", "Next steps", "Transcript"):
        assert words in body


def test_a_deleted_block_is_not_the_page(stack: Stack,
                                         person: Person) -> None:
    """Somebody deleted the recording from a page: what comes later goes on
    the page all the same, and the recording stays away."""
    life, key = begin(stack)
    go_on(stack, [life[1]])
    go_on(stack, [life[2]])
    page = stack.page(key)
    [audio] = [block for block in blocks(page) if block["type"] == "audio"]
    person("DELETE", f"blocks/{audio['id']}")
    go_on(stack, [life[3]])
    [row] = stack.rows("SELECT state FROM v_pages WHERE resource_id = :'id'",
                       id=key)
    assert row["state"] == "written"
    page = stack.page(key)
    assert "Next steps" in texts(page)
    assert texts(page).index("Summary") < texts(page).index("Transcript")
    assert "audio" not in {block["type"] for block in blocks(page)}


def pages_of(stack: Stack, key: str) -> list[dict[str, Any]]:
    return [page for page in stack.control("GET", "/notion/pages")
            if key in json.dumps(page["properties"])]


def test_a_page_in_the_trash_stays_there(stack: Stack) -> None:
    life, key = begin(stack)
    [page] = pages_of(stack, key)
    stack.control("POST", f"/notion/pages/{page['id']}/trash", {})
    go_on(stack, life[1:])
    [page] = pages_of(stack, key)
    assert page["in_trash"]
    [row] = stack.rows("SELECT state FROM v_pages WHERE resource_id = :'id'",
                       id=key)
    assert row["state"] == "trashed"


@pytest.mark.parametrize("noticed", [False, True])
def test_a_page_in_the_trash_comes_anew_where_that_is_wanted(
        stack: Stack, tmp_path: Path, noticed: bool) -> None:
    """Whether its removal is found out now, or was while the configuration
    said that it should stay away."""
    again = stack.variant(tmp_path, notion__trashed="recreate")
    life, key = begin(stack)
    [old] = pages_of(stack, key)
    stack.control("POST", f"/notion/pages/{old['id']}/trash", {})
    if noticed:
        go_on(stack, [life[1]])
    else:
        go_on(stack, [life[1]], again)
    go_on(stack, life[2:], again)
    kept, new = sorted(pages_of(stack, key), key=lambda page:
                       not page["in_trash"])
    assert kept["id"] == old["id"] and not new["in_trash"]
    assert title(new) == title(old)
    body = texts(stack.page(key))
    for words in ("Answered by", "Summary", "Transcript"):
        assert body.count(words) == 1
    assert "audio" in {block["type"] for block in blocks(new)}
