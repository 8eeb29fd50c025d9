"""[media] link = notion: recordings and pictures in Notion itself."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import (Stack, blocks, children, peak, psql, request, texts,
                      until)

import deliver

MIB = 1 << 20
FREE, PAID = 5 * MIB, 50 * MIB  # what Notion takes, by plan
CREATE = ("POST", "/v1/file_uploads")


@pytest.fixture(params=["s3", "file"], scope="module")
def config(stack: Stack, request: pytest.FixtureRequest,
           tmp_path_factory: pytest.TempPathFactory) -> Path:
    """No links at all: everything is in Notion, and in the store."""
    more: dict[str, str | None] = {}
    if request.param == "file":
        folder = stack.state / "uploads"
        folder.mkdir(exist_ok=True)
        more = {"media__store": "file", "media__folder": str(folder),
                "s3__endpoint": None, "s3__bucket": None,
                "s3__access_key": None, "s3__secret_key": None}
    return stack.variant(tmp_path_factory.mktemp("uploads"),
                         media__link="notion", media__base_url=None, **more)


@pytest.fixture
def both(stack: Stack, tmp_path: Path) -> Path:
    """Links for what Notion does not take."""
    return stack.variant(tmp_path, media__link="notion")


@pytest.fixture(autouse=True)
def plan(stack: Stack) -> Iterator[None]:
    """A workspace whose uploads may be of 50 MiB; faults end with a test."""
    limit(stack, PAID)
    yield
    limit(stack, FREE)
    stack.control("DELETE", "/faults")


def limit(stack: Stack, size: int) -> None:
    stack.control("POST", "/limits", {
        "notion": {"max_file_upload_size_in_bytes": size}})


def call(stack: Stack, size: int) -> dict[str, Any]:
    """A call of its own with one recording of so many bytes."""
    envelope = stack.load("2026-03-30/call.recording.completed", stack.fresh())
    text, n = re.subn(r"/gen/\d+/", f"/gen/{size}/", json.dumps(envelope))
    assert n == 1
    return json.loads(text)


def source(envelope: dict[str, Any]) -> bytes:
    """The bytes at the one URL that it names."""
    [url] = re.findall(r'http[^"]*/gen/[^"]*', json.dumps(envelope))
    return request(url).body


def run(stack: Stack, config: Path) -> None:
    stack.run("ons-process", "--drain", config=config)


def hurry(stack: Stack, key: str) -> None:
    """What is to be tried again later, is due now."""
    psql(stack.env, "UPDATE job SET run_at = now() WHERE resource_id = :'id'",
         id=key)


def synced(stack: Stack, config: Path, envelope: dict[str, Any]) -> str:
    stack.send(envelope)
    run(stack, config)
    return deliver.resource_id(envelope)


def players(stack: Stack, key: str) -> list[dict[str, Any]]:
    return [block[block["type"]] for block in blocks(stack.page(key))
            if block["type"] in ("audio", "image", "file", "video")]


def media(stack: Stack, key: str) -> list[dict[str, Any]]:
    return stack.rows("SELECT * FROM media WHERE resource_id = :'id'"
                      " ORDER BY slot", id=key)


def asked(stack: Stack, since: int = 0) -> list[tuple[str, str, int | None]]:
    """(method, path, status) of all requests about uploads, in order."""
    lines = [json.loads(line) for line in
             open(stack.env["SANDBOX_RECORD"], encoding="utf-8")][since:]
    return [(line["method"], line["path"], line["status"]) for line in lines
            if line["service"] == "notion" and "/file_uploads" in line["path"]]


def now(stack: Stack) -> int:
    """How much has been recorded so far."""
    with open(stack.env["SANDBOX_RECORD"], encoding="utf-8") as file:
        return sum(1 for _ in file)


@pytest.mark.sanitize
def test_a_recording_is_in_notion(stack: Stack, config: Path) -> None:
    envelope = call(stack, 70000)
    key = synced(stack, config, envelope)
    [player] = players(stack, key)
    assert player["type"] == "file"
    assert request(player["file"]["url"]).body == source(envelope)
    [row] = media(stack, key)
    assert (row["state"], row["upload_state"]) == ("stored", "attached")
    # the store has it as well
    if "store = file" in config.read_text():
        stored = (stack.state / "uploads" / row["key"]).read_bytes()
    else:
        stored = stack.object(row["key"])
    assert stored == source(envelope)
    assert stack.rows("SELECT FROM v_jobs WHERE resource_id = :'id'",
                      id=key) == []


@pytest.mark.sanitize
def test_pictures_are_in_the_files_column_too(stack: Stack,
                                              config: Path) -> None:
    envelope = stack.load("2026-03-30/message.received-mms", stack.fresh())
    key = synced(stack, config, envelope)
    urls = re.findall(r'http[^"]*/gen/[^"]*', json.dumps(envelope))
    shown = players(stack, key)
    files = stack.page(key)["properties"]["Media"]["files"]
    wanted = [request(url).body for url in urls]
    assert [request(one["file"]["url"]).body for one in shown] == wanted
    assert [request(one["file"]["url"]).body for one in files] == wanted
    assert all(one["name"].startswith(key) for one in files)


@pytest.mark.sanitize
def test_a_page_that_is_written_again_uploads_nothing(
        stack: Stack, config: Path) -> None:
    envelope = call(stack, 3000)
    key = synced(stack, config, envelope)
    [before] = media(stack, key)
    since = now(stack)
    summary = stack.load("2026-03-30/call.summary.completed")
    stack.send(json.loads(json.dumps(summary).replace(
        deliver.resource_id(summary), key)))
    run(stack, config)
    assert "summary" in stack.rows(
        "SELECT sections FROM v_pages WHERE resource_id = :'id'",
        id=key)[0]["sections"]
    assert asked(stack, since) == []
    assert media(stack, key) == [before]
    assert len(players(stack, key)) == 1


def test_a_large_file_goes_in_parts(stack: Stack, config: Path) -> None:
    envelope = call(stack, 25 * MIB)
    since = now(stack)
    key = synced(stack, config, envelope)
    requests = asked(stack, since)
    assert [(method, path.rpartition("/")[2]) for method, path, _ in requests] \
        == [("POST", "file_uploads"), ("POST", "send"), ("POST", "send"),
            ("POST", "send"), ("POST", "complete")]
    [player] = players(stack, key)
    assert request(player["file"]["url"]).body == source(envelope)


def test_parts_need_little_memory(stack: Stack, tmp_path: Path) -> None:
    limit(stack, 100 * MIB)
    config = stack.variant(tmp_path, media__link="notion",
                           process__workers="1")
    envelope = call(stack, 95 * MIB)
    key = deliver.resource_id(envelope)
    stack.send(envelope)
    child = stack.start("ons-process", "--linger", config=config)
    try:
        [worker] = until(lambda: children(child.pid))
        until(lambda: [row for row in media(stack, key)
                       if row["upload_state"] == "attached"], 300)
        most = peak(worker)
    finally:
        child.terminate()
        child.communicate(timeout=60)
    print(f"VmHWM of the worker: {most} KiB")
    assert most < 16 << 10, f"{most} KiB"


def test_the_largest_single_part(stack: Stack, config: Path) -> None:
    since = now(stack)
    key = synced(stack, config, call(stack, 20 * MIB))
    assert [path.rpartition("/")[2] for _, path, _ in asked(stack, since)] == \
        ["file_uploads", "send"]
    assert media(stack, key)[0]["upload_state"] == "attached"


@pytest.mark.sanitize
def test_what_is_too_large_has_a_link(stack: Stack, config: Path,
                                      both: Path) -> None:
    limit(stack, 1000)
    since = now(stack)
    envelope = call(stack, 1001)
    key = synced(stack, both, envelope)
    [player] = players(stack, key)
    link = player["external"]["url"]
    assert link.startswith(stack.url + "/r/")
    assert request(request(link).headers["Location"]).body == source(envelope)
    # with nowhere to link to, the page says so
    key = synced(stack, config, call(stack, 1001))
    assert players(stack, key) == []
    assert "there is no link to it" in texts(stack.page(key))
    assert asked(stack, since) == []
    # what is just small enough is uploaded
    key = synced(stack, config, call(stack, 1000))
    assert media(stack, key)[0]["upload_state"] == "attached"


def broken(stack: Stack, path: str, **fault: Any) -> None:
    """From now on, until the faults are cleared."""
    stack.control("POST", "/faults", {"service": "notion", "method": "POST",
                                      "path": path, "times": -1, **fault})


def mended(stack: Stack, config: Path, key: str) -> dict[str, Any]:
    """The row of the one file, once all is well again."""
    stack.control("DELETE", "/faults")
    for _ in range(5):
        hurry(stack, key)
        run(stack, config)
        [row] = media(stack, key)
        if row["upload_state"] == "attached":
            break
    return row


@pytest.mark.parametrize("fault", [{"status": 503}, {"drop": "before"},
                                   {"drop": "after"}], ids=str)
def test_an_interrupted_upload_goes_on(stack: Stack, both: Path,
                                       fault: dict[str, Any]) -> None:
    """The second part is lost: what is there is not sent again."""
    envelope = call(stack, 25 * MIB)
    since = now(stack)
    # this one lets the first part through, the other is for the second
    stack.control("POST", "/faults", {"service": "notion", "method": "POST",
                                      "path": "/send$", "delay": 0.001})
    stack.control("POST", "/faults", {"service": "notion", "method": "POST",
                                      "path": "/send$", **fault})
    key = synced(stack, both, envelope)
    assert mended(stack, both, key)["upload_state"] == "attached"
    [player] = players(stack, key)
    assert request(player["file"]["url"]).body == source(envelope)
    requests = asked(stack, since)
    assert [one[:2] for one in requests].count(CREATE) == 1
    parts = [line for line in requests if line[1].endswith("/send")]
    # three parts, and the second once more if it did not arrive
    assert len(parts) == (3 if fault.get("drop") == "after" else 4)


def test_a_page_does_not_wait_for_an_upload(stack: Stack, both: Path) -> None:
    envelope = call(stack, 5000)
    broken(stack, "/send$", status=503)
    key = synced(stack, both, envelope)
    [player] = players(stack, key)
    assert player["external"]["url"].startswith(stack.url + "/r/")
    assert media(stack, key)[0]["upload_state"] == "pending"
    assert mended(stack, both, key)["upload_state"] == "attached"
    [player] = players(stack, key)
    assert request(player["file"]["url"]).body == source(envelope)


@pytest.mark.parametrize("where, state", [("/send$", "pending"),
                                          ("/v1/pages$", "uploaded")])
def test_an_expired_upload_is_begun_anew(stack: Stack, both: Path,
                                         where: str, state: str) -> None:
    """An hour went by before it was complete, or on a page."""
    envelope = call(stack, 5000)
    since = now(stack)
    broken(stack, where, status=409)
    key = synced(stack, both, envelope)
    [before] = media(stack, key)
    assert before["upload_state"] == state
    psql(stack.env, "UPDATE media SET upload_at = now() - interval '61 min'"
         " WHERE resource_id = :'id'", id=key)
    row = mended(stack, both, key)
    assert row["upload_state"] == "attached"
    assert row["upload_id"] != before["upload_id"]
    assert [one[:2] for one in asked(stack, since)].count(CREATE) == 2
    [player] = players(stack, key)
    assert request(player["file"]["url"]).body == source(envelope)


def test_a_complete_upload_is_used_in_time(stack: Stack, both: Path) -> None:
    """The page could not be written at first: nothing is sent again."""
    since = now(stack)
    broken(stack, "/v1/pages$", status=409)
    key = synced(stack, both, call(stack, 5000))
    [before] = media(stack, key)
    assert before["upload_state"] == "uploaded"
    assert mended(stack, both, key)["upload_id"] == before["upload_id"]
    assert [path.rpartition("/")[2] for _, path, _ in asked(stack, since)] == \
        ["file_uploads", "send"]


def test_an_upload_that_notion_does_not_know_is_begun_anew(
        stack: Stack, both: Path) -> None:
    broken(stack, "/send$", status=503)
    key = synced(stack, both, call(stack, 5000))
    [row] = psql(stack.env, "UPDATE media SET upload_id = gen_random_uuid()"
                 " WHERE resource_id = :'id' RETURNING upload_id",
                 id=key).split()[:1]
    after = mended(stack, both, key)
    assert after["upload_state"] == "attached" and after["upload_id"] != row


def test_what_notion_refuses_has_a_link(stack: Stack, both: Path) -> None:
    stack.control("POST", "/faults", {
        "service": "notion", "method": "POST", "path": "/file_uploads$",
        "status": 400, "body": {"object": "error", "status": 400,
                                "code": "validation_error",
                                "message": "This type is not supported."}})
    key = synced(stack, both, call(stack, 5000))
    assert media(stack, key)[0]["upload_state"] == "refused"
    [player] = players(stack, key)
    assert player["external"]["url"].startswith(stack.url + "/r/")
    assert stack.rows("SELECT FROM v_jobs WHERE resource_id = :'id'",
                      id=key) == []


@pytest.mark.sanitize
def test_what_is_revoked_leaves_the_page(stack: Stack, both: Path) -> None:
    key = synced(stack, both, call(stack, 5000))
    message = stack.load("2026-03-30/message.received-mms", stack.fresh())
    sms = synced(stack, both, message)
    recording = stack.page(key)["properties"]["Recording"]["url"]
    assert request(recording).status == 302
    for each in (key, sms):
        assert players(stack, each)
        stack.run("onsctl", "revoke", each)
    run(stack, both)
    for each in (key, sms):
        assert players(stack, each) == []
        assert "there is no link to it" in texts(stack.page(each))
    assert request(recording).status == 404
    assert stack.page(key)["properties"]["Recording"]["url"] is None
    assert stack.page(sms)["properties"]["Media"]["files"] == []


def test_no_rule_of_notions_was_broken(stack: Stack) -> None:
    refused = [one for one in stack.control("GET", "/stats")["violations"]
               if "/file_uploads" in one["path"]]
    assert refused == []
