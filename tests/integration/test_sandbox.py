"""The sandbox itself: does it accept what the real services have accepted,
and refuse what they refuse?  Needs nothing but Python."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator
from urllib.parse import urlsplit

import pytest
from conftest import until

TOP = Path(__file__).resolve().parents[2]
SANDBOX = TOP / "tests" / "sandbox"
ACCEPTED = Path(os.environ.get(
    "ONS_NOTION_ACCEPTED",
    TOP.parent / "shared" / "reference" / "notion-accepted-requests.ndjson"))
VERSION = {"Notion-Version": "2026-03-11"}
NOBODY = "9d0f3c6a-52be-4c11-8f27-6b1e40c2d7a5"  # no such id

sys.path.insert(0, str(SANDBOX))
import notion_requests  # noqa: E402

Json = Any


# --- a client -----------------------------------------------------------------

@dataclass
class Answer:
    status: int
    headers: Any
    raw: bytes

    @property
    def json(self) -> Json:
        return json.loads(self.raw)

    @property
    def message(self) -> str:
        return self.json["message"]


def request(method: str, url: str, body: Json = None,
            headers: dict[str, str] | None = None) -> Answer:
    """One request; a body that is not bytes is sent as JSON."""
    parts = urlsplit(url)
    target = parts.path + ("?" + parts.query if parts.query else "")
    given = dict(headers or {})
    if body is not None and not isinstance(body, bytes):
        body = json.dumps(body).encode()
        given.setdefault("Content-Type", "application/json")
    connection = http.client.HTTPConnection(parts.netloc, timeout=20)
    try:
        connection.request(method, target or "/", body, given)
        answer = connection.getresponse()
        return Answer(answer.status, answer.headers, answer.read())
    finally:
        connection.close()


@dataclass
class Sandbox:
    env: dict[str, str]

    def control(self, method: str, path: str, body: Json = None) -> Json:
        answer = request(method, self.env["SANDBOX_URL"] + path, body)
        assert answer.status == 200, answer.raw
        return answer.json

    def notion(self, method: str, path: str, body: Json = None,
               **headers: str | None) -> Answer:
        """A header given as None is left out; "_" stands for "-"."""
        sent: dict[str, str | None] = {
            "Authorization": "Bearer " + self.env["NOTION_API_KEY"], **VERSION}
        sent.update({name.replace("_", "-"): value
                     for name, value in headers.items()})
        return request(method, self.env["NOTION_API_BASE"] + "/v1/" + path,
                       body, {name: one for name, one in sent.items() if one})

    def openphone(self, path: str, method: str = "GET", body: Json = None,
                  **headers: str | None) -> Answer:
        sent: dict[str, str | None] = {
            "Authorization": self.env["OPENPHONE_API_KEY"],
            "Quo-Api-Version": "2026-03-30"}
        sent.update({name.replace("_", "-"): value
                     for name, value in headers.items()})
        return request(method, self.env["OPENPHONE_API_BASE"] + path, body,
                       {name: one for name, one in sent.items() if one})

    def media(self, path: str, method: str = "GET", **headers: str) -> Answer:
        return request(method, self.env["SANDBOX_MEDIA"] + path, None, headers)

    def records(self) -> list[Json]:
        text = Path(self.env["SANDBOX_RECORD"]).read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines()]

    def made(self, path: str, body: Json) -> Json:
        answer = self.notion("POST", path, body)
        assert answer.status == 200, answer.raw
        return answer.json


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    state = tmp_path_factory.mktemp("sandbox")
    process = subprocess.Popen(
        [sys.executable, "-B", str(SANDBOX / "sandbox.py"),
         "--state", str(state)])
    try:
        yield Sandbox(read_env(process, state / "sandbox.env"))
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=5) == 0
        assert not (state / "sandbox.pid").exists()


def read_env(process: subprocess.Popen[bytes], path: Path) -> dict[str, str]:
    for _ in range(400):
        if path.exists():
            break
        assert process.poll() is None, "the sandbox has ended"
        time.sleep(0.05)
    words = shlex.split(path.read_text(encoding="utf-8"))
    return dict(word.split("=", 1) for word in words)


@pytest.fixture
def sandbox(running: Sandbox) -> Sandbox:
    """The sandbox as new, with room for the requests of a test."""
    running.control("POST", "/reset")
    running.control("POST", "/limits", {"notion": {"limit": 10_000},
                                        "openphone": {"limit": 10_000}})
    return running


COLUMNS = {
    "Name": {"title": {}}, "Key": {"rich_text": {}}, "Count": {"number": {}},
    "Kind": {"select": {"options": [{"name": "call", "color": "blue"}]}},
    "Tags": {"multi_select": {}}, "State": {"status": {}},
    "When": {"date": {}}, "Phone": {"phone_number": {}}, "Link": {"url": {}},
    "Mail": {"email": {}}, "Done": {"checkbox": {}}, "Files": {"files": {}},
    "Who": {"people": {}}, "Made": {"created_time": {}},
    "Sum": {"formula": {"expression": "1"}}, "No": {"unique_id": {}}}


@pytest.fixture
def table(sandbox: Sandbox) -> str:
    """The id of a data source with a column of every kind."""
    return sandbox.control("POST", "/notion/databases", {
        "title": "Calls", "properties": COLUMNS})["data_source_id"]


def words(text: str, **more: Json) -> list[Json]:
    return [{"text": {"content": text, **more}}]


def paragraph(text: str, *children: Json) -> Json:
    inner: Json = {"rich_text": words(text)}
    if children:
        inner["children"] = list(children)
    return {"paragraph": inner}


def page(table: str, *children: Json, **properties: Json) -> Json:
    body: Json = {"parent": {"data_source_id": table}, "properties": properties}
    if children:
        body["children"] = list(children)
    return body


# --- Notion: what was accepted is accepted ------------------------------------

@pytest.mark.skipif(not ACCEPTED.exists(), reason=f"no {ACCEPTED}")
def test_recorded_requests_are_accepted() -> None:
    tried = 0
    refused = []
    for line in ACCEPTED.read_text(encoding="utf-8").splitlines():
        sent = json.loads(line)
        path = sent["path"].partition("?")[0]
        if notion_requests.find_route(sent["method"], path) is None:
            continue
        tried += 1
        error = notion_requests.validate(sent["method"], sent["path"],
                                         sent["headers"], sent["body"])
        if error:
            refused.append((sent["method"], sent["path"], error.message))
    assert refused == []
    assert tried > 900


# --- Notion: a page, written and read -----------------------------------------

def test_page_with_everything(sandbox: Sandbox, table: str) -> None:
    made = sandbox.made("pages", page(
        table, {"heading_2": {"rich_text": words("Summary")}},
        {"toggle": {"rich_text": words("More"), "children": [paragraph("x")]}},
        {"audio": {"external": {"url": "https://example.com/a.mp3"}}},
        Name={"title": words("Call from "
                             "Ann", link={"url": "https://example.com"})},
        Key={"rich_text": words("ACtest0001")}, Count={"number": 12.5},
        Kind={"select": {"name": "message"}},
        Tags={"multi_select": [{"name": "a"}, {"name": "b"}]},
        State={"status": {"name": "Done"}},
        When={"date": {"start": "2026-06-27T16:57:28.5Z"}},
        Phone={"phone_number": "+15550001111"}, Link={"url": "https://e.org"},
        Mail={"email": "a@example.com"}, Done={"checkbox": True},
        Files={"files": [{"name": "a.mp3",
                          "external": {"url": "https://e.org/a.mp3"}}]}))
    assert made["object"] == "page" and made["request_id"]
    assert uuid.UUID(made["id"]).version == 4
    assert made["parent"]["type"] == "data_source_id"
    assert made["created_time"].endswith(":00.000Z")
    values = made["properties"]
    assert values["Name"]["id"] == "title"
    assert values["Name"]["title"][0]["href"] == "https://example.com"
    assert values["Name"]["title"][0]["plain_text"] == "Call from Ann"
    assert values["Name"]["title"][0]["annotations"]["color"] == "default"
    assert values["When"]["date"] == {
        "start": "2026-06-27T16:57:00.000+00:00", "end": None,
        "time_zone": None}
    assert values["Kind"]["select"]["name"] == "message"
    assert [one["name"] for one in values["Tags"]["multi_select"]] == ["a", "b"]
    assert values["No"]["unique_id"]["number"] == 1
    assert values["Made"]["created_time"] == made["created_time"]

    blocks = sandbox.notion("GET", f"blocks/{made['id']}/children").json
    assert [one["type"] for one in blocks["results"]] == [
        "heading_2", "toggle", "audio"]
    assert blocks["results"][1]["has_children"] is True
    again = sandbox.notion("GET", f"pages/{made['id'].replace('-', '')}").json
    assert again["properties"] == values
    options = sandbox.notion("GET", f"data_sources/{table}").json[
        "properties"]["Kind"]["select"]["options"]
    assert [one["name"] for one in options] == ["call", "message"]
    shown = sandbox.control("GET", "/notion/pages")
    assert [one["title"] for one in shown] == ["Call from Ann"]
    assert shown[0]["children"][1]["children"][0]["type"] == "paragraph"


def test_rows_and_record_are_forgotten(sandbox: Sandbox, table: str) -> None:
    made = sandbox.made("pages", page(table, paragraph("x")))["id"]
    [block] = sandbox.notion("GET", f"blocks/{made}/children").json["results"]
    sandbox.control("DELETE", "/notion/pages")
    sandbox.control("DELETE", "/record")
    assert sandbox.records() == []
    assert sandbox.control("GET", "/notion/pages") == []
    for path in (f"pages/{made}", f"blocks/{block['id']}"):
        assert sandbox.notion("GET", path).status == 404
    assert sandbox.made(f"data_sources/{table}/query", {})["results"] == []
    assert sandbox.made("pages", page(table))
    assert len(sandbox.records()) == 4


def test_properties_answer_to_name_and_id(sandbox: Sandbox, table: str) -> None:
    columns = sandbox.notion("GET", f"data_sources/{table}").json["properties"]
    made = sandbox.made("pages", {
        "parent": {"type": "data_source_id", "data_source_id": table},
        "children": [],
        "properties": {"title": {"title": words("T")},
                       columns["Key"]["id"]: {"rich_text": words("k")}}})
    assert made["properties"]["Key"]["rich_text"][0]["plain_text"] == "k"
    base = f"pages/{made['id']}/properties/"
    item = sandbox.notion("GET", base + columns["Key"]["id"]).json
    assert item["results"][0]["rich_text"]["plain_text"] == "k"
    assert sandbox.notion("GET", base + columns["Count"]["id"]).json[
        "number"] is None
    assert sandbox.notion("GET", base + "zzzz1").status == 404
    only = sandbox.notion(
        "GET", f"pages/{made['id']}?filter_properties=title").json
    assert list(only["properties"]) == ["Name"]


def test_update_replaces_named_properties_only(sandbox: Sandbox,
                                               table: str) -> None:
    made = sandbox.made("pages", page(table, Key={"rich_text": words("k")},
                                      Count={"number": 1}))
    changed = sandbox.notion("PATCH", f"pages/{made['id']}", {
        "properties": {"Count": {"number": None}},
        "icon": {"emoji": "📞"}}).json
    assert changed["properties"]["Count"]["number"] is None
    assert changed["properties"]["Key"]["rich_text"][0]["plain_text"] == "k"
    assert changed["icon"] == {"type": "emoji", "emoji": "📞"}


def test_append_and_positions(sandbox: Sandbox, table: str) -> None:
    made = sandbox.made("pages", page(table, paragraph("b")))
    path = f"blocks/{made['id']}/children"

    def append(text: str, position: Json = None) -> Json:
        body: Json = {"children": [paragraph(text)]}
        if position:
            body["position"] = position
        answer = sandbox.notion("PATCH", path, body)
        assert answer.status == 200, answer.raw
        return answer.json["results"]

    last = append("d")
    append("a", {"type": "start"})
    append("e", {"type": "end"})
    listing = sandbox.notion("GET", path).json["results"]
    append("c", {"type": "after_block", "after_block": {
        "id": listing[1]["id"]}})
    assert len(last) == 1 and last[0]["type"] == "paragraph"
    texts, cursor = [], ""
    while True:
        listed = sandbox.notion("GET", f"{path}?page_size=2{cursor}").json
        texts += [one["paragraph"]["rich_text"][0]["plain_text"]
                  for one in listed["results"]]
        if not listed["has_more"]:
            break
        cursor = "&start_cursor=" + listed["next_cursor"]
    assert texts == ["a", "b", "c", "d", "e"]


def test_block_update_and_delete(sandbox: Sandbox, table: str) -> None:
    made = sandbox.made("pages", page(
        table, {"to_do": {"rich_text": words("call back")}}))
    path = f"blocks/{made['id']}/children"
    block = sandbox.notion("GET", path).json["results"][0]
    here = f"blocks/{block['id']}"
    changed = sandbox.notion("PATCH", here, {"to_do": {"checked": True}}).json
    assert changed["to_do"]["checked"] is True
    assert changed["to_do"]["rich_text"][0]["plain_text"] == "call back"
    assert sandbox.notion("PATCH", here, {"paragraph": {
        "rich_text": []}}).status == 400
    assert sandbox.notion("DELETE", here).json["in_trash"] is True
    assert sandbox.notion("GET", path).json["results"] == []
    assert "archived" in sandbox.notion(
        "PATCH", here, {"to_do": {"checked": False}}).message


def test_databases(sandbox: Sandbox) -> None:
    root = sandbox.env["NOTION_PARENT_PAGE"]
    made = sandbox.made("databases", {
        "parent": {"type": "page_id", "page_id": root}, "title": words("Calls"),
        "initial_data_source": {"properties": {"Name": {"title": {}}}}})
    assert re.fullmatch(r".*\.\d{3}\+00:00", made["created_time"])
    assert "properties" not in made
    source = made["data_sources"][0]["id"]
    assert made["data_sources"][0]["name"] == "Calls"
    path = f"data_sources/{source}"
    changed = sandbox.notion("PATCH", path, {"properties": {
        "Key": {"rich_text": {}}, "Name": {"name": "Title"}}}).json
    assert set(changed["properties"]) == {"Title", "Key"}
    assert changed["properties"]["Title"]["id"] == "title"
    gone = sandbox.notion("PATCH", path, {"properties": {"Key": None}}).json
    assert set(gone["properties"]) == {"Title"}
    second = sandbox.made("data_sources", {
        "parent": {"type": "database_id", "database_id": made["id"]},
        "title": words("More"), "properties": {"Name": {"title": {}}}})
    listed = sandbox.notion("GET", f"databases/{made['id']}").json
    assert [one["id"] for one in listed["data_sources"]] == [source,
                                                             second["id"]]
    answer = sandbox.notion("POST", "pages", {
        "parent": {"database_id": made["id"]}, "properties": {}})
    assert answer.json["additional_data"]["error_type"] == (
        "multiple_data_sources_for_database")
    found = sandbox.made("search", {"query": "calls", "filter": {
        "property": "object", "value": "data_source"}})
    assert [one["id"] for one in found["results"]] == [source]
    assert sandbox.notion("PATCH", f"databases/{made['id']}",
                          {"in_trash": True}).json["in_trash"] is True
    assert sandbox.notion("POST", "pages", page(source)).status == 400


def test_query(sandbox: Sandbox, table: str) -> None:
    for number in range(5):
        sandbox.made("pages", page(
            table, Key={"rich_text": words(f"AC{number}")},
            Count={"number": number},
            Kind={"select": {"name": "even" if number % 2 == 0 else "odd"}},
            When={"date": {"start": f"2026-06-0{number + 1}"}}))

    def query(**body: Json) -> list[int]:
        listed = sandbox.made(f"data_sources/{table}/query", body)
        assert listed["type"] == "page_or_data_source"
        return [one["properties"]["Count"]["number"]
                for one in listed["results"]]

    up = [{"property": "Count", "direction": "ascending"}]
    assert sorted(query()) == [0, 1, 2, 3, 4]
    assert query(sorts=up) == [0, 1, 2, 3, 4]
    assert query(sorts=[{"property": "When", "direction": "descending"}]) == [
        4, 3, 2, 1, 0]
    assert query(filter={"property": "Key",
                         "rich_text": {"equals": "AC3"}}) == [3]
    assert query(sorts=up, filter={"or": [
        {"property": "Count", "number": {"less_than": 1}},
        {"and": [{"property": "Kind", "select": {"equals": "odd"}},
                 {"property": "When", "date": {"after": "2026-06-02"}}]}]}) == [
                     0, 3]
    assert query(filter={"property": "Phone",
                         "phone_number": {"is_not_empty": True}}) == []
    first = sandbox.made(f"data_sources/{table}/query",
                         {"sorts": up, "page_size": 3})
    assert first["has_more"] is True
    assert query(sorts=up, page_size=3, start_cursor=first["next_cursor"]) == [
        3, 4]
    victim = first["results"][0]["id"]
    sandbox.control("POST", f"/notion/pages/{victim}/trash")
    assert query(sorts=up) == [1, 2, 3, 4]
    sandbox.control("POST", "/lag", {"seconds": 3600})
    assert query() == []


def test_file_upload(sandbox: Sandbox, table: str) -> None:
    made = sandbox.made("file_uploads", {
        "mode": "single_part", "filename": "a.mp3",
        "content_type": "audio/mpeg"})
    assert made["status"] == "pending"
    block = {"audio": {"file_upload": {"id": made["id"]}}}
    assert sandbox.notion("POST", "pages", page(table, block)).status == 400
    content = b"\xff\xfb\r\n--x\r\n" * 100
    body = (b'--edge\r\nContent-Disposition: form-data; name="file"; '
            b'filename="a.mp3"\r\nContent-Type: audio/mpeg\r\n\r\n' + content
            + b"\r\n--edge--\r\n")
    sent = sandbox.notion(
        "POST", f"file_uploads/{made['id']}/send", body,
        Content_Type="multipart/form-data; boundary=edge").json
    assert sent["status"] == "uploaded"
    assert sent["content_length"] == len(content)
    assert sandbox.records()[-1]["form"] == {"file": {
        "filename": "a.mp3", "content_type": "audio/mpeg",
        "size": len(content)}}
    added = sandbox.made("pages", page(table, block))
    listed = sandbox.notion("GET", f"blocks/{added['id']}/children").json
    url = listed["results"][0]["audio"]["file"]["url"]
    assert request("GET", url).raw == content
    assert sandbox.notion("POST", "file_uploads", {
        "filename": "a.wav", "content_type": "audio/x-wav"}).status == 400


def test_comments_and_users(sandbox: Sandbox, table: str) -> None:
    made = sandbox.made("pages", page(table))
    comment = sandbox.made("comments", {"parent": {"page_id": made["id"]},
                                        "rich_text": words("hello")})
    listed = sandbox.notion("GET", f"comments?block_id={made['id']}").json
    assert [one["id"] for one in listed["results"]] == [comment["id"]]
    me = sandbox.notion("GET", "users/me").json
    assert me["bot"]["workspace_limits"]["max_file_upload_size_in_bytes"] == (
        5 << 20)


def test_large_answers_are_compressed_on_request(sandbox: Sandbox,
                                                 table: str) -> None:
    answer = sandbox.notion("GET", f"data_sources/{table}",
                            Accept_Encoding="gzip")
    assert answer.headers["Content-Encoding"] == "gzip"
    assert json.loads(gzip.decompress(answer.raw))["id"] == table


# --- Notion: what is refused --------------------------------------------------

EMOJI = "\U0001f4de"  # two UTF-16 code units

TABLE = {"table": {"table_width": 1,
                   "children": [{"table_row": {"cells": [[]]}}]}}

BLOCK_REFUSALS = {
    "text over 2000 units": (
        paragraph("a" * 2001),
        "rich_text[0].text.content.length should be ≤ `2000`, instead was "
        "`2001`."),
    "an emoji is two units": (paragraph(EMOJI + "a" * 1999), "`2001`"),
    "U+0000": (paragraph("a\0b"), "U+0000"),
    "link over 2000": ({"paragraph": {"rich_text": words(
        "x", link={"url": "https://e.org/" + "a" * 2000})}}, "link.url.length"),
    "link without scheme": ({"paragraph": {"rich_text": words(
        "x", link={"url": "e.org"})}}, "Invalid URL for link"),
    "101 rich text items": ({"paragraph": {"rich_text": words("a") * 101}},
                            "rich_text.length should be ≤ `100`"),
    "unknown key in a block": ({**paragraph("x"), "is_archived": False},
                               "is_archived should be not present"),
    "unknown key in a paragraph": (
        {"paragraph": {"rich_text": [], "checked": True}}, "paragraph.checked"),
    "unknown key in rich text": (
        {"paragraph": {"rich_text": [{"text": {"content": "x"}, "id": "1"}]}},
        "rich_text[0].id"),
    "unknown key in text": ({"paragraph": {"rich_text": words("x", bold=True)}},
                            "text.bold"),
    "unknown key in annotations": (
        {"paragraph": {"rich_text": [{"text": {"content": "x"}, "annotations": {
            "weight": 1}}]}}, "annotations.weight"),
    "unknown colour": ({"paragraph": {"rich_text": [], "color": "mauve"}},
                       "paragraph.color"),
    "missing rich text": ({"paragraph": {}}, "rich_text should be defined"),
    "unknown kind": ({"sound": {}}, "Fix one:"),
    "type and key differ": ({"type": "quote", "paragraph": {"rich_text": []}},
                            ".type should be"),
    "code without language": ({"code": {"rich_text": []}}, "code.language"),
    "unknown language": ({"code": {"rich_text": [], "language": "text"}},
                         "code.language"),
    "children of a divider": ({"divider": {"children": []}},
                              "divider.children should be not present"),
    "children of a plain heading": (
        {"heading_1": {"rich_text": [], "children": [paragraph("x")]}},
        "heading_1.children should be not present"),
    "three levels below": (
        paragraph("1", paragraph("2", paragraph("3", paragraph("4")))),
        "children should be not present"),
    "table two levels below": (paragraph("1", paragraph("2", TABLE)),
                               "table.children should be not present"),
    "101 children of a block": (
        paragraph("x", *[paragraph("y")] * 101), "children.length"),
    "audio without a place": ({"audio": {}}, "audio.external"),
    "URL over 2000": (
        {"audio": {"external": {"url": "https://e.org/" + "a" * 2000}}},
        "url.length should be ≤ `2000`"),
    "audio URL empty": ({"audio": {"external": {"url": ""}}}, "url"),
    "table without rows": ({"table": {"table_width": 1}}, "table.children"),
    "row of another width": (
        {"table": {"table_width": 2, "children": [
            {"table_row": {"cells": [words("x")]}}]}}, "table width"),
    "row outside a table": ({"table_row": {"cells": []}}, "table_row"),
    "one column": (
        {"column_list": {"children": [{"column": {"children": []}}]}},
        "length should be ≥ `2`"),
    "columns below the top": (
        paragraph("x", {"column_list": {"children": []}}), "column_list"),
}


@pytest.mark.parametrize("name", BLOCK_REFUSALS)
def test_block_refused(sandbox: Sandbox, table: str, name: str) -> None:
    block, expected = BLOCK_REFUSALS[name]
    refuse(sandbox, "POST", "pages", page(table, block), expected)
    assert sandbox.control("GET", "/notion/pages") == []
    target = sandbox.made("pages", page(table))["id"]
    refuse(sandbox, "PATCH", f"blocks/{target}/children",
           {"children": [paragraph("fine"), block]}, expected)
    assert sandbox.notion("GET", f"blocks/{target}/children").json[
        "results"] == []


def refuse(sandbox: Sandbox, method: str, path: str, body: Json,
           expected: str, status: int = 400,
           code: str = "validation_error") -> Json:
    answer = sandbox.notion(method, path, body)
    assert answer.status == status, answer.raw
    error = answer.json
    assert (error["object"], error["status"]) == ("error", status)
    assert error["code"] == code and error["request_id"]
    assert expected in error["message"]
    return error


def test_just_fitting_is_accepted(sandbox: Sandbox, table: str) -> None:
    deep = paragraph("1", paragraph("2", paragraph("3")))
    sandbox.made("pages", page(
        table, deep, paragraph("a" * 2000), paragraph(EMOJI * 1000),
        {"paragraph": {"rich_text": words("a") * 100}},
        {"heading_1": {"rich_text": [], "is_toggleable": True,
                       "children": [deep["paragraph"]["children"][0]]}},
        paragraph("x", TABLE),
        {"column_list": {"children": [{"column": {
            "children": deep["paragraph"]["children"]}}] * 2}},
        Kind={"select": {"name": "a" * 100}}))


VALUE_REFUSALS = {
    "unknown property": ({"Nmae": {"title": []}},
                         "Nmae is not a property that exists."),
    "wrong type": ({"Key": {"number": 1}}, "Key is expected to be rich_text."),
    "wrong shape": ({"Count": {"number": "1"}}, "Count.number"),
    "two types": ({"Count": {"number": 1, "checkbox": True}}, "not present"),
    "no type": ({"Count": {}}, "Fix one:"),
    "unknown key": ({"Count": {"number": 1, "format": "euro"}}, "Count.format"),
    "true is no number": ({"Count": {"number": True}}, "a number"),
    "read-only type": ({"Sum": {"formula": {"string": "x"}}}, "read only"),
    "created time": ({"Made": {"created_time": "2026-01-01"}}, "read only"),
    "unique id": ({"No": {"unique_id": {"number": 1}}}, "read only"),
    "read-only column": ({"Sum": {"rich_text": []}}, "read only"),
    "select with comma": ({"Kind": {"select": {"name": "a,b"}}}, "commas"),
    "select too long": ({"Kind": {"select": {"name": "a" * 101}}}, "`101`"),
    "select empty": ({"Kind": {"select": {"name": ""}}}, "name.length"),
    "multi-select with comma": ({"Tags": {"multi_select": [{"name": "a,b"}]}},
                                "commas"),
    "101 options": ({"Tags": {"multi_select": [
        {"name": str(n)} for n in range(101)]}}, "multi_select.length"),
    "unknown option id": ({"Kind": {"select": {"id": "none"}}},
                          "does not exist"),
    "new status": ({"State": {"status": {"name": "Lost"}}}, "does not exist"),
    "url empty": ({"Link": {"url": ""}}, "Link.url"),
    "url over 2000": ({"Link": {"url": "https://" + "a" * 2000}}, "Link.url"),
    "email empty": ({"Mail": {"email": ""}}, "Mail.email"),
    "phone empty": ({"Phone": {"phone_number": ""}}, "Phone.phone_number"),
    "phone over 100": ({"Phone": {"phone_number": "1" * 101}}, "`101`"),
    "date format": ({"When": {"date": {"start": "27.06.2026"}}}, "When.date"),
    "date that is none": ({"When": {"date": {"start": "2026-02-30"}}},
                          "ISO 8601"),
    "date without start": ({"When": {"date": {"end": None}}}, "start"),
    "time zone": ({"When": {"date": {"start": "2026-02-03",
                                     "time_zone": "Mars/Base"}}}, "time_zone"),
    "file without name": ({"Files": {"files": [
        {"external": {"url": "https://e.org/a"}}]}}, "name should be defined"),
    "file name over 100": ({"Files": {"files": [
        {"name": "a" * 101, "external": {"url": "https://e.org/a"}}]}},
        "`101`"),
    "checkbox null": ({"Done": {"checkbox": None}}, "a boolean"),
    "title too long": ({"Name": {"title": words("a" * 2001)}},
                       "body.properties.Name.title[0].text.content.length"),
}


@pytest.mark.parametrize("name", VALUE_REFUSALS)
def test_value_refused(sandbox: Sandbox, table: str, name: str) -> None:
    properties, expected = VALUE_REFUSALS[name]
    refuse(sandbox, "POST", "pages", page(table, **properties), expected)
    made = sandbox.made("pages", page(table))
    refuse(sandbox, "PATCH", f"pages/{made['id']}",
           {"properties": {"Done": {"checkbox": True}, **properties}}, expected)
    kept = sandbox.notion("GET", f"pages/{made['id']}").json["properties"]
    assert kept["Done"]["checkbox"] is False


QUERY_REFUSALS = {
    "unknown property": ({"filter": {"property": "X", "number": {"equals": 1}}},
                         "Could not find property"),
    "wrong type": ({"filter": {"property": "Key", "number": {"equals": 1}}},
                   "does not match filter"),
    "unknown operator": ({"filter": {"property": "Key", "rich_text": {
        "like": "x"}}}, "Fix one:"),
    "two operators": ({"filter": {"property": "Count", "number": {
        "greater_than": 1, "less_than": 3}}}, "not present"),
    "is_empty false": ({"filter": {"property": "Key", "rich_text": {
        "is_empty": False}}}, "is_empty"),
    "nested too deep": ({"filter": {"and": [{"or": [{"and": []}]}]}}, "nested"),
    "101 conditions": ({"filter": {"or": [{"property": "Count", "number": {
        "equals": 1}}] * 101}}, "or.length"),
    "sort by nothing": ({"sorts": [{"property": "X",
                                    "direction": "ascending"}]}, "X"),
    "wrong direction": ({"sorts": [{"property": "Key", "direction": "up"}]},
                        "direction"),
    "page size": ({"page_size": 101}, "page_size should be ≤ `100`"),
    "page size zero": ({"page_size": 0}, "page_size should be ≥ `1`"),
    "unknown key": ({"limit": 3}, "body.limit should be not present"),
    "cursor": ({"start_cursor": "s:nonsense"}, "start_cursor"),
}


@pytest.mark.parametrize("name", QUERY_REFUSALS)
def test_query_refused(sandbox: Sandbox, table: str, name: str) -> None:
    body, expected = QUERY_REFUSALS[name]
    sandbox.made("pages", page(table))
    refuse(sandbox, "POST", f"data_sources/{table}/query", body, expected)


def test_page_bodies_refused(sandbox: Sandbox, table: str) -> None:
    refuse(sandbox, "POST", "pages", {**page(table), "archived": False},
           "body.archived should be not present")
    refuse(sandbox, "POST", "pages", {"properties": {}}, "body.parent")
    refuse(sandbox, "POST", "pages", page(table, *[paragraph("x")] * 101),
           "body.children.length should be ≤ `100`, instead was `101`.")
    refuse(sandbox, "POST", "pages",
           page(table, *[paragraph("x", *[paragraph("y")] * 10)] * 100),
           "≤ `1000`")
    refuse(sandbox, "POST", "pages",
           page(table, *[paragraph("a" * 2000)] * 50,
                *[{"paragraph": {"rich_text": words("a" * 2000) * 5}}] * 42),
           "≤ `500000` bytes")
    refuse(sandbox, "POST", "pages", {
        **page(table, paragraph("x")), "markdown": "x"}, "not present")
    refuse(sandbox, "POST", "pages", {
        "parent": {"page_id": sandbox.env["NOTION_PARENT_PAGE"]},
        "properties": {"Key": {"rich_text": []}}}, "Key is not a property")
    made = sandbox.made("pages", page(table))["id"]
    refuse(sandbox, "PATCH", f"pages/{made}", {"archived": True},
           "body.archived should be not present")
    refuse(sandbox, "PATCH", f"blocks/{made}/children",
           {"children": [paragraph("x")], "after": made},
           "body.after should be not present")
    refuse(sandbox, "PATCH", f"blocks/{made}/children", {}, "body.children")
    refuse(sandbox, "PATCH", f"blocks/{made}/children", {
        "children": [paragraph("x")],
        "position": {"type": "after_block", "after_block": {
            "id": NOBODY}}}, "Could not find block", 404,
        "object_not_found")


def test_older_version_takes_older_words(sandbox: Sandbox, table: str) -> None:
    made = sandbox.made("pages", page(table, paragraph("x")))
    old = {"Notion_Version": "2025-09-03"}
    block = sandbox.notion("GET", f"blocks/{made['id']}/children").json[
        "results"][0]["id"]
    assert sandbox.notion("PATCH", f"blocks/{made['id']}/children", {
        "children": [paragraph("y")], "after": block}, **old).status == 200
    assert sandbox.notion("PATCH", f"pages/{made['id']}", {"archived": True},
                          **old).json["in_trash"] is True


def test_children_where_none_go(sandbox: Sandbox, table: str) -> None:
    made = sandbox.made("pages", page(table, {"divider": {}}, {
        "heading_1": {"rich_text": []}}))
    for block in sandbox.notion("GET", f"blocks/{made['id']}/children").json[
            "results"]:
        refuse(sandbox, "PATCH", f"blocks/{block['id']}/children",
               {"children": [paragraph("x")]}, "does not support children")


def test_trash(sandbox: Sandbox, table: str) -> None:
    made = sandbox.made("pages", page(table, paragraph("x")))["id"]
    block = sandbox.notion("GET", f"blocks/{made}/children").json["results"][0]
    sandbox.control("POST", f"/notion/pages/{made}/trash")
    refuse(sandbox, "PATCH", f"pages/{made}", {"properties": {}}, "archived")
    refuse(sandbox, "PATCH", f"blocks/{made}/children",
           {"children": [paragraph("x")]}, "archived")
    refuse(sandbox, "PATCH", f"blocks/{block['id']}",
           {"paragraph": {"rich_text": []}}, "archived ancestor")
    assert sandbox.notion("GET", f"pages/{made}").json["in_trash"] is True
    assert sandbox.notion("PATCH", f"pages/{made}", {
        "in_trash": False}).json["in_trash"] is False
    listed = sandbox.made(f"data_sources/{table}/query", {})
    assert [one["id"] for one in listed["results"]] == [made]


@pytest.mark.parametrize("headers, status, code", [
    ({"Notion_Version": None}, 400, "missing_version"),
    ({"Notion_Version": "2022-06-28"}, 400, "validation_error"),
    ({"Authorization": None}, 401, "unauthorized"),
    ({"Authorization": "Bearer ntn_wrong"}, 401, "unauthorized"),
    ({"Content_Type": "application/x-www-form-urlencoded"}, 400,
     "invalid_json"),
])
def test_headers_refused(sandbox: Sandbox, headers: dict[str, str | None],
                         status: int, code: str) -> None:
    answer = sandbox.notion("POST", "search", {}, **headers)
    assert (answer.status, answer.json["code"]) == (status, code)


@pytest.mark.parametrize("method, path, status, code", [
    ("GET", f"pages/{NOBODY}", 404, "object_not_found"),
    ("GET", "pages/00000000-0000-0000-0000-000000000000", 404,
     "object_not_found"),
    ("GET", "pages/12345678-1234-1234-1234-123456789012", 400,
     "validation_error"),
    ("GET", "pages/nonsense", 400, "validation_error"),
    ("GET", f"data_sources/{NOBODY}", 404, "object_not_found"),
    ("GET", f"blocks/{NOBODY}/children", 404, "object_not_found"),
    ("PUT", f"pages/{NOBODY}", 400, "invalid_request_url"),
    ("POST", f"databases/{NOBODY}/query", 400, "invalid_request_url"),
    ("GET", "nothing", 400, "invalid_request_url"),
    ("GET", f"blocks/{NOBODY}/children?page_size=101", 400,
     "validation_error"),
    ("GET", f"blocks/{NOBODY}/children?size=1", 400, "validation_error"),
])
def test_paths_refused(sandbox: Sandbox, method: str, path: str, status: int,
                       code: str) -> None:
    answer = sandbox.notion(method, path)
    assert (answer.status, answer.json["code"]) == (status, code)


@pytest.mark.parametrize("raw", [b"{", b"{'a': 1}", b'{"query": NaN}',
                                 b'{"query": "\\ud800"}', b"\xff"])
def test_bad_json_refused(sandbox: Sandbox, raw: bytes) -> None:
    answer = sandbox.notion("POST", "search", raw,
                            Content_Type="application/json")
    assert (answer.status, answer.json["code"]) == (400, "invalid_json")


def test_what_is_not_shared_is_not_there(sandbox: Sandbox) -> None:
    made = sandbox.control("POST", "/notion/databases", {
        "title": "Secret", "properties": {"Name": {"title": {}}},
        "shared": False})
    refuse_get = sandbox.notion("GET", f"data_sources/{made['data_source_id']}")
    assert refuse_get.json["code"] == "object_not_found"
    sandbox.control("POST", "/notion/share", {"id": made["database_id"],
                                              "shared": True})
    assert sandbox.notion(
        "GET", f"data_sources/{made['data_source_id']}").status == 200


def test_schema_refused(sandbox: Sandbox, table: str) -> None:
    parent = {"type": "page_id", "page_id": sandbox.env["NOTION_PARENT_PAGE"]}

    def create(properties: Json, expected: str, **more: Json) -> None:
        refuse(sandbox, "POST", "databases", {
            "parent": parent, **more,
            "initial_data_source": {"properties": properties}}, expected)

    create({"A": {"rich_text": {}}}, "exactly one property of type title")
    create({"A": {"title": {}}, "B": {"title": {}}}, "exactly one")
    create({"A": {"title": {}}, "B": {"text": {}}}, "Fix one:")
    create({"A": {"title": {}}, "B": {"select": {"options": [
        {"name": "a,b"}]}}}, "commas")
    create({"A": {"title": {}}}, "body.schema should be not", schema={})
    create({"A": {"title": {}, "description": "d" * 281}}, "`281`")
    refuse(sandbox, "POST", "databases", {
        "parent": {"page_id": parent["page_id"]}}, "body.parent.type")
    refuse(sandbox, "PATCH", f"data_sources/{table}",
           {"properties": {"Name": None}}, "Cannot delete title")
    refuse(sandbox, "PATCH", f"data_sources/{table}",
           {"properties": {"Name": {"rich_text": {}}}}, "title property")
    refuse(sandbox, "PATCH", f"data_sources/{table}",
           {"properties": {"Nowhere": {"name": "x"}}}, "not a property")


# --- rate limits --------------------------------------------------------------

def test_notion_rate_limit(sandbox: Sandbox) -> None:
    sandbox.control("POST", "/limits", {"notion": {"limit": 3, "window": 60}})
    statuses = [sandbox.notion("GET", "users/me").status for _ in range(3)]
    assert statuses == [200, 200, 200]
    refused = sandbox.notion("GET", "users/me")
    assert (refused.status, refused.json["code"]) == (429, "rate_limited")
    wait = refused.headers["Retry-After"]
    assert 1 <= int(wait) <= 60
    assert refused.json["additional_data"] == {
        "rate_limit_reason": "public_api_request_rate_limit",
        "retry_after": wait}
    violations = sandbox.control("GET", "/stats")["violations"]
    assert [one["status"] for one in violations] == [429]


def test_rate_limits_are_the_documented_ones(running: Sandbox) -> None:
    running.control("POST", "/reset")
    assert running.control("POST", "/limits", {}) == {
        "notion": {"limit": 180, "window": 60},
        "openphone": {"limit": 10, "window": 1}}


def test_openphone_rate_limit(sandbox: Sandbox) -> None:
    sandbox.control("POST", "/limits", {"openphone": {"limit": 2,
                                                      "window": 60}})
    # Both surfaces draw on one budget.
    assert sandbox.openphone("/organization").status == 200
    assert sandbox.openphone("/v1/phone-numbers").status == 200
    refused = sandbox.openphone("/organization")
    assert refused.status == 429
    assert refused.json == {"message": "API rate limit exceeded"}
    assert int(refused.headers["Retry-After"]) >= 1


# --- faults -------------------------------------------------------------------

def test_fault_status(sandbox: Sandbox) -> None:
    identifier = sandbox.control("POST", "/faults", {
        "service": "notion", "method": "GET", "path": "^/v1/users/me$",
        "times": 2, "status": 529, "headers": {"Retry-After": "7"}})["id"]
    assert sandbox.control("GET", "/faults")[0]["id"] == identifier
    for _ in range(2):
        answer = sandbox.notion("GET", "users/me")
        assert (answer.status, answer.headers["Retry-After"]) == (529, "7")
        assert answer.json["code"] == "service_overload"
    assert sandbox.notion("GET", "users/me").status == 200
    assert sandbox.control("GET", "/stats")["violations"] == []
    sandbox.control("POST", "/faults", {
        "service": "notion", "times": -1, "status": 502, "body": "<html>"})
    assert sandbox.notion("GET", "users/me").raw == b"<html>"
    assert sandbox.notion("GET", "users/me").status == 502
    sandbox.control("DELETE", "/faults")
    assert sandbox.notion("GET", "users/me").status == 200


def test_fault_drop(sandbox: Sandbox, table: str) -> None:
    for when, pages in (("before", 0), ("after", 1)):
        sandbox.control("POST", "/faults", {
            "service": "notion", "path": "/pages", "drop": when})
        with pytest.raises((ConnectionError, http.client.HTTPException)):
            sandbox.notion("POST", "pages", page(table))
        assert len(sandbox.control("GET", "/notion/pages")) == pages
        assert sandbox.records()[-1]["status"] is None


def test_fault_after_the_effect(sandbox: Sandbox, table: str) -> None:
    sandbox.control("POST", "/faults", {
        "service": "notion", "path": "/pages", "status": 500, "after": True})
    assert sandbox.notion("POST", "pages", page(table)).status == 500
    assert len(sandbox.control("GET", "/notion/pages")) == 1


def test_fault_committed(sandbox: Sandbox, table: str) -> None:
    sandbox.control("POST", "/faults", {"service": "notion", "times": 2,
                                        "committed": True})
    answer = sandbox.notion("POST", "pages", page(table))
    assert (answer.status, answer.json["code"]) == (503, "service_unavailable")
    made = answer.json["additional_data"]["committed_resource_id"]
    assert sandbox.control("GET", f"/notion/pages/{made}")["id"] == made
    data = sandbox.notion("PATCH", f"blocks/{made}/children", {
        "children": [paragraph("x"), paragraph("y")]}).json["additional_data"]
    assert data["committed_resource_id"] == made
    assert data["committed_child_ids"] == [
        one["id"] for one in sandbox.control(
            "GET", f"/notion/pages/{made}")["children"]]


def test_fault_delay(sandbox: Sandbox) -> None:
    sandbox.control("POST", "/faults", {"service": "openphone", "delay": 0.2})
    begun = time.monotonic()
    assert sandbox.openphone("/organization").status == 200
    assert time.monotonic() - begun >= 0.2


def test_who_waits_goes_on_when_faults_are_forgotten(sandbox: Sandbox) -> None:
    """And is counted before that is answered: later it would be in some other
    test."""
    sandbox.control("POST", "/faults", {"service": "notion", "delay": 300})
    sandbox.control("POST", "/faults", {"service": "notion", "hang": 300})
    waiting = []
    for _ in range(2):
        place = urlsplit(sandbox.env["NOTION_API_BASE"])
        peer = socket.create_connection((place.hostname, place.port), 20)
        peer.sendall(b"GET /v1/users/me HTTP/1.1\r\nHost: x\r\n\r\n")
        waiting.append(peer)
    until(lambda: [fault["times"] for fault in
                   sandbox.control("GET", "/faults")] == [0, 0])
    before = sandbox.control("GET", "/stats")["counts"]
    sandbox.control("DELETE", "/faults")
    after = sandbox.control("GET", "/stats")["counts"]
    for peer in waiting:
        peer.close()
    assert "notion" not in before
    assert sum(after["notion"].values()) == 2


def test_fault_truncate(sandbox: Sandbox) -> None:
    sandbox.control("POST", "/faults", {"service": "media", "truncate": 100})
    with pytest.raises(http.client.IncompleteRead) as caught:
        sandbox.media("/gen/5000/a.mp3")
    assert len(caught.value.partial) == 100


def test_half_a_request_is_none(sandbox: Sandbox, table: str) -> None:
    """As when the client is killed while it sends."""
    place = urlsplit(sandbox.env["NOTION_API_BASE"])
    records = len(sandbox.records())
    with socket.create_connection((place.hostname, place.port), 20) as peer:
        peer.sendall(b"POST /v1/pages HTTP/1.1\r\nHost: x\r\n"
                     b"Content-Length: 100\r\n\r\n{\"parent\": ")
        peer.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionResetError):
            assert peer.recv(100) == b""
    assert len(sandbox.records()) == records
    assert sandbox.control("GET", "/stats")["violations"] == []


def test_nonsense_is_no_fault(sandbox: Sandbox) -> None:
    for fault in ({}, {"service": "notion"}, {"service": "notion", "x": 1},
                  {"service": "notion", "drop": "later"}):
        answer = request("POST", sandbox.env["SANDBOX_URL"] + "/faults", fault)
        assert answer.status == 400


# --- the record ---------------------------------------------------------------

def test_record(sandbox: Sandbox) -> None:
    sandbox.made("search", {"query": "ü"})
    sandbox.notion("GET", "users/me", Authorization="Bearer ntn_other")
    sandbox.openphone("/calls?limit=3")
    sandbox.media("/gen/10/a.mp3")
    first, second, third, fourth = sandbox.records()
    assert list(first) == ["time", "service", "method", "path", "headers",
                           "body", "status", "response"]
    assert re.fullmatch(r"[-\d]{10}T[:\d]{8}\.\d{3}Z", first["time"])
    assert (first["service"], first["method"], first["path"]) == (
        "notion", "POST", "/v1/search")
    assert first["body"] == {"query": "ü"} and first["status"] == 200
    assert first["response"]["object"] == "list"
    assert first["headers"]["Authorization"] == "Bearer ***"
    assert first["headers"]["Notion-Version"] == "2026-03-11"
    assert (second["status"], second["body"]) == (401, None)
    assert second["headers"]["Authorization"] == "Bearer ***"
    assert third["path"] == "/calls?limit=3"
    assert third["headers"]["Authorization"] == "***"
    assert (fourth["service"], fourth["response"]) == ("media", None)
    text = Path(sandbox.env["SANDBOX_RECORD"]).read_text(encoding="utf-8")
    for secret in ("NOTION_API_KEY", "OPENPHONE_API_KEY"):
        assert sandbox.env[secret] not in text


# --- media --------------------------------------------------------------------

def test_media(sandbox: Sandbox) -> None:
    answer = request("PUT", sandbox.env["SANDBOX_URL"] + "/media/p/a.jpg",
                     b"\xff\xd8jpeg", {"Content-Type": "image/jpeg"})
    assert answer.json["url"] == sandbox.env["SANDBOX_MEDIA"] + "/p/a.jpg"
    got = sandbox.media("/p/a.jpg")
    assert (got.raw, got.headers["Content-Type"]) == (b"\xff\xd8jpeg",
                                                      "image/jpeg")
    whole = sandbox.media("/gen/5000/vm.mp3")
    assert len(whole.raw) == 5000 and whole.raw[:2] == b"\xff\xfb"
    assert whole.headers["Content-Type"] == "audio/mpeg"
    assert sandbox.media("/gen/5000/vm.mp3").raw == whole.raw
    assert sandbox.media("/gen/5000/other.mp3").raw != whole.raw
    head = sandbox.media("/gen/5000/vm.mp3", "HEAD")
    assert (head.headers["Content-Length"], head.raw) == ("5000", b"")
    part = sandbox.media("/gen/5000/vm.mp3", Range="bytes=10-19")
    assert (part.status, part.raw) == (206, whole.raw[10:20])
    assert part.headers["Content-Range"] == "bytes 10-19/5000"
    assert sandbox.media("/gen/10/a.mp3", Range="bytes=10-").status == 416
    assert sandbox.media("/gone/a.mp3").status == 404
    assert sandbox.media("/expired/a.mp3").status == 403
    assert sandbox.media("/unknown").status == 404
    assert sandbox.media("/gen/10/a.mp3", Authorization="key").status == 400
    assert sandbox.records()[-1]["headers"]["Authorization"] == "***"


# --- OpenPhone ----------------------------------------------------------------

CALL = {"id": "ACtest0001", "createdAt": "2026-10-07T15:00:00Z",
        "answeredAt": "2026-10-07T15:00:05Z", "duration": 240}


def test_dated_reads(sandbox: Sandbox) -> None:
    sandbox.control("POST", "/openphone/calls", [
        CALL, {"id": "ACtest0002", "createdAt": "2026-10-08T15:00:00.250Z",
               "direction": "outgoing", "status": "no-answer"}])
    sandbox.control("POST", "/openphone/recordings", [
        {"id": f"CRtest{n}", "callId": "ACtest0001", "url": "http://x/y.mp3",
         "startTime": f"2026-10-07T15:0{n}:00Z"} for n in (2, 1)])
    sandbox.control("POST", "/openphone/voicemails", {
        "callId": "ACtest0002", "transcript": "Hi"})
    sandbox.control("POST", "/openphone/summaries", {
        "callId": "ACtest0001", "summary": ["A."], "nextSteps": ["B."]})
    sandbox.control("POST", "/openphone/transcripts", {
        "callId": "ACtest0001", "recordingId": "CRtest1", "dialogue": [
            {"content": "Hello", "start": 0.5, "end": 1.5,
             "identifier": "+15550001111", "actorId": None}]})

    def get(path: str) -> Json:
        answer = sandbox.openphone(path)
        assert answer.status == 200, answer.raw
        return answer.json["data"]

    assert [one["id"] for one in get("/calls")] == ["ACtest0002", "ACtest0001"]
    call = get("/calls/ACtest0001?include=summary,voicemail")
    assert call["summary"]["nextSteps"] == ["B."] and "voicemail" not in call
    assert call["participants"] == [
        {"phoneNumber": "+15550002222", "actorId": "UStest01"},
        {"phoneNumber": "+15550001111", "actorId": None}]
    assert get("/calls/ACtest0002?include=voicemail")["voicemail"][
        "transcript"] == "Hi"
    assert [one["id"] for one in get("/calls/ACtest0001/recordings")] == [
        "CRtest1", "CRtest2"]
    assert get("/calls/ACtest0002/recordings") == []
    assert get("/calls/ACtest0001/transcripts")[0]["dialogue"][0][
        "content"] == "Hello"
    since = "/calls?createdAt%5Bgte%5D=2026-10-08T00:00:00Z"
    assert [one["id"] for one in get(since)] == ["ACtest0002"]
    assert len(get("/calls?participant=%2B15550001111")) == 2
    assert get("/calls?participant=+15550001111") == []
    first = sandbox.openphone("/calls?limit=1").json
    rest = sandbox.openphone("/calls?limit=1&after=" + first["nextCursor"]).json
    assert (rest["data"][0]["id"], rest["nextCursor"]) == ("ACtest0001", None)
    assert get("/users/UStest02")["firstName"] == "Alex"
    assert get("/phone-numbers/PNtest01")["phoneNumber"] == "+15550002222"
    assert [one["id"] for one in get("/phone-numbers/PNtest01/users")] == [
        "UStest01", "UStest02"]
    assert get("/contacts/CTtest01")["company"] == "Acme"
    phones = get("/contacts/contact0001/properties?type=phone-number")
    assert [one["value"] for one in phones] == ["+15550001111"]
    assert get("/organization")["subscriptionStatus"] == "active"


def test_messages(sandbox: Sandbox) -> None:
    sandbox.control("POST", "/openphone/messages", {
        "id": "ACtest0005", "text": "Is it ready? 🙂",
        "createdAt": "2026-10-08T15:00:00Z",
        "media": [{"url": "http://x/p.jpg", "type": "image/jpeg"}]})
    for path in ("/messages/ACtest0005", "/v1/messages/ACtest0005"):
        message = sandbox.openphone(path).json["data"]
        assert message["text"] == "Is it ready? 🙂"
        assert message["userId"] is None and len(message["media"]) == 1
    exclusive = "/messages?createdAt%5Bgt%5D=2026-10-08T15:00:00Z"
    assert sandbox.openphone(exclusive).json["data"] == []
    listed = sandbox.openphone(
        "/v1/messages?phoneNumberId=PNtest01&participants=%2B15550001111"
        "&maxResults=5").json
    assert [one["id"] for one in listed["data"]] == ["ACtest0005"]
    assert listed["nextPageToken"] is None


def test_v1_reads(sandbox: Sandbox) -> None:
    sandbox.control("POST", "/openphone/calls", [CALL, {
        **CALL, "id": "ACtest0009",
        "participants": ["+15550002222", "+15550001111", "+15550003333"]}])
    sandbox.control("POST", "/openphone/transcripts", {
        "callId": "ACtest0001", "startTime": "2026-10-07T15:00:05Z",
        "duration": 3, "dialogue": [
            {"content": "Hi", "start": 1, "end": 2, "actorId": "UStest01"}]})
    call = sandbox.openphone("/v1/calls/ACtest0001").json["data"]
    assert call["participants"] == ["+15550001111", "+15550002222"]
    assert call["userId"] == "UStest01" and "actorId" not in call
    listed = sandbox.openphone(
        "/v1/calls?phoneNumberId=PNtest01&participants=%2B15550001111"
        "&maxResults=100").json
    assert [one["id"] for one in listed["data"]] == ["ACtest0001"]
    group = sandbox.openphone("/v1/calls/ACtest0009")
    assert (group.status, group.json["code"]) == (400, "0101400")
    assert sandbox.openphone("/calls/ACtest0009").status == 200
    line = sandbox.openphone("/v1/call-transcripts/ACtest0001").json["data"][
        "dialogue"][0]
    assert (line["start"], line["userId"]) == (6, "UStest01")
    assert sandbox.openphone("/v1/call-recordings/ACtest0001").json == {
        "data": []}
    for path in ("call-summaries", "call-voicemails"):
        answer = sandbox.openphone(f"/v1/{path}/ACtest0001")
        assert answer.status == 404 and answer.json["code"].endswith("404")
    contact = sandbox.openphone("/v1/contacts?maxResults=50").json["data"][0]
    assert contact["defaultFields"]["phoneNumbers"][0]["value"] == (
        "+15550001111")
    number = sandbox.openphone("/v1/phone-numbers").json["data"][0]
    assert number["number"] == "+15550002222"
    assert number["users"][0]["groupId"] == "GRtest01"
    assert sandbox.openphone("/v1/conversations?maxResults=1").json["data"]


@pytest.mark.parametrize("path, status", [
    ("/calls?limit=51", 400), ("/calls?limit=0", 400), ("/calls?limit=x", 400),
    ("/calls?createdAt%5Bgt%5D=2026-10-08T00:00:00Z", 400),
    ("/messages?createdAt%5Bgte%5D=2026-10-08T00:00:00Z", 400),
    ("/calls?createdAt%5Bgte%5D=yesterday", 400),
    ("/calls?status=done", 400), ("/calls?include=recording", 400),
    ("/calls?phoneNumberId=123", 400), ("/calls?after=%21", 400),
    ("/users/SYUtest01", 400), ("/v1/users/SYUtest01", 400),
    ("/calls/ACnone", 404), ("/calls/ACnone/recordings", 404),
    ("/users/USnone", 404), ("/nothing", 404),
    ("/v1/calls?participants=%2B15550001111&maxResults=1", 400),
    ("/v1/calls?phoneNumberId=PNtest01&maxResults=1", 400),
    ("/v1/calls?phoneNumberId=PNtest01&participants=%2B15550001111", 400),
    ("/v1/calls?phoneNumberId=PNtest01&participants=%2B15550001111"
     "&maxResults=101", 400),
    ("/v1/calls?phoneNumberId=PNtest01&participants=a&participants=b"
     "&maxResults=1", 400),
    ("/v1/calls?phoneNumberId=PNtest01&participants=a&maxResults=1"
     "&userId=USother", 403),
    ("/v1/users?maxResults=51", 400), ("/v1/users", 400),
    ("/v1/contacts?maxResults=51", 400), ("/v1/conversations", 400),
    ("/v1/call-voicemails/ACnone", 404), ("/v1/organization", 404),
])
def test_openphone_refused(sandbox: Sandbox, path: str, status: int) -> None:
    answer = sandbox.openphone(path)
    assert answer.status == status, answer.raw
    error = answer.json
    assert error["title"] and error["message"] and error["docs"]
    if path.startswith("/v1"):
        assert error["status"] == status and len(error["code"]) == 7
    else:
        assert "code" not in error


def test_openphone_headers(sandbox: Sandbox) -> None:
    key = sandbox.env["OPENPHONE_API_KEY"]
    # The version is looked at before the key.
    answer = sandbox.openphone("/calls", Quo_Api_Version=None,
                               Authorization=None)
    assert answer.status == 400
    assert answer.message == ("Unsupported or missing Quo-Api-Version header. "
                              "Supported versions: 2026-03-30")
    for given in (None, "wrong", "Bearer " + key):
        assert sandbox.openphone("/calls", Authorization=given).status == 401
        answer = sandbox.openphone("/v1/phone-numbers", Authorization=given,
                                   Quo_Api_Version=None)
        assert answer.status == 401
        assert answer.json["error"]["key"] == "Unauthorized"
    assert sandbox.openphone("/v1/phone-numbers",
                             Quo_Api_Version=None).status == 200


def test_openphone_webhooks(sandbox: Sandbox) -> None:
    hook = {"url": sandbox.env["SANDBOX_MEDIA"] + "/hook",
            "events": ["call.completed", "message.received"]}
    made = sandbox.openphone("/webhooks", "POST", hook)
    assert made.status == 201
    data = made.json["data"]
    assert data["id"].isdigit() and data["resourceIds"] == ["*"]
    path = "/webhooks/" + data["id"]
    assert "key" not in sandbox.openphone(path).json["data"]
    assert sandbox.openphone(path, "PATCH", {"status": "disabled"}).json[
        "data"]["status"] == "disabled"
    rotated = sandbox.openphone(path + "/rotate", "POST").json["data"]["key"]
    assert rotated.startswith("whsec" + "_") and rotated != data["key"]
    sent = sandbox.openphone(path + "/events/test", "POST",
                             {"eventType": "call.completed"}).json
    assert sent["id"].startswith("msg_")
    for _ in range(200):
        delivery = sandbox.openphone(f"{path}/events/{sent['id']}").json["data"]
        if delivery["attempts"]:
            break
        time.sleep(0.02)
    log = f"{path}/events?limit=50&createdAt%5Bgt%5D="
    assert [one["id"] for one in sandbox.openphone(
        log + "2026-01-01T00:00:00Z").json["data"]] == [sent["id"]]
    assert sandbox.openphone(log + "3000-01-01T00:00:00Z").json["data"] == []
    for wrong in (log + "yesterday", f"{path}/events?createdAt%5Bgte%5D=1",
                  f"{path}/events?limit=51", f"{path}/events?after=1"):
        assert sandbox.openphone(wrong).status == 400, wrong
    # A media host takes no POST; what it got is in the record.
    assert delivery["attempts"][0]["responseStatusCode"] == 405
    received = [one for one in sandbox.records() if one["path"] == "/hook"][0]
    headers = {name.lower(): one for name, one in received["headers"].items()}
    assert headers["webhook-id"] == sent["id"]
    assert headers["webhook-signature"].startswith("v1,")
    assert received["body"]["type"] == "call.completed"
    text = Path(sandbox.env["SANDBOX_RECORD"]).read_text(encoding="utf-8")
    assert data["key"] not in text and rotated not in text
    assert sandbox.openphone("/webhooks", "POST", {
        **hook, "events": ["call.imagined"]}).status == 400
    assert sandbox.openphone(path, "DELETE").status == 204
    assert sandbox.openphone(path).status == 404
    old = sandbox.openphone("/v1/webhooks/calls", "POST", {
        "url": hook["url"], "events": ["call.completed"]})
    assert (old.status, old.json["data"]["id"][:2]) == (201, "WH")
    assert sandbox.openphone("/webhooks").json["data"] == []
    assert len(sandbox.openphone("/v1/webhooks").json["data"]) == 1


def test_unknown_fields_are_told(sandbox: Sandbox) -> None:
    answer = request("POST", sandbox.env["SANDBOX_URL"] + "/openphone/calls",
                     {"id": "AC1", "durations": 3})
    assert answer.status == 400 and b"durations" in answer.raw
