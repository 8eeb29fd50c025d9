"""ons-process: what a delivery becomes in Notion and in S3."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import random
import re
from typing import Any

import pytest
from conftest import DELIVERIES, Stack, blocks, request, texts, title

import deliver

pytestmark = pytest.mark.sanitize

# Deliveries that belong on a page; the others (tasks, contacts,
# integrations) are kept.
NAMES = sorted(f"{path.parent.name}/{path.stem}"
               for path in DELIVERIES.glob("*/*.json")
               if path.stem.startswith(("call.", "message.")))
LIFE = ("call.completed", "call.recording.completed",
        "call.transcript.completed", "call.summary.completed")


@pytest.fixture(scope="module")
def violations_before(stack: Stack) -> list[Any]:
    """Tests of what people do in Notion make refusals on purpose."""
    return stack.control("GET", "/stats")["violations"]


@pytest.fixture(scope="module")
def world(stack: Stack, violations_before: list[Any]
          ) -> dict[str, dict[str, Any]]:
    """Every documented delivery, each of a resource of its own, processed."""
    envelopes = {name: stack.load(name, stack.fresh()) for name in NAMES}
    stack.send(*envelopes.values(), connections=4)
    stack.process()
    return envelopes


def told(envelope: dict[str, Any]) -> list[str]:
    """Every piece of text that the delivery has for a reader."""
    data = envelope["data"]
    thing = data.get("resource") or data["object"]
    found = [thing.get("text"), thing.get("body"), thing.get("transcript"),
             thing.get("phoneMenuSelectionName")]
    found += [*(thing.get("summary") or []), *(thing.get("nextSteps") or [])]
    found += [line["content"] for line in thing.get("dialogue") or []]
    for job in thing.get("jobs") or []:
        for item in job["result"]["data"]:
            found += [item["name"]]
            found += [item["value"]] if isinstance(item["value"], str) else []
    return [text for text in found if text]


def media_urls(envelope: dict[str, Any]) -> list[str]:
    """Where the delivery's audio and attachments are."""
    data = envelope["data"]
    thing = data.get("resource") or data["object"]
    found = [item.get("url") for field in ("media", "recordings")
             for item in thing.get(field) or []]
    found += [thing.get("recordingUrl"),
              (thing.get("voicemail") or {}).get("url")]
    return [url for url in found if url]


def shown_media(page: dict[str, Any]) -> list[tuple[str, str]]:
    """(block type, URL) of all audio, images and files on a page."""
    return [(block["type"], block[block["type"]]["external"]["url"])
            for block in blocks(page)
            if block["type"] in ("audio", "image", "video", "file", "pdf")]


def fetch(link: str) -> bytes:
    """What a reader gets who clicks a link: one redirect, then the file."""
    answer = request(link)
    assert answer.status == 302, (link, answer.status, answer.body)
    answer = request(answer.headers["Location"])
    assert answer.status == 200, answer.body
    return answer.body


@pytest.mark.parametrize("name", NAMES)
def test_every_delivery_has_a_complete_page(
        stack: Stack, world: dict[str, dict[str, Any]], name: str) -> None:
    envelope = world[name]
    key = deliver.resource_id(envelope)
    [row] = stack.rows("SELECT * FROM v_pages WHERE resource_id = :'id'",
                       id=key)
    assert row["state"] == "written" and row["sections"]
    page = stack.page(key)
    assert title(page) == row["title"] and title(page)
    assert page["icon"]
    body = texts(page)
    assert [text for text in told(envelope) if text not in body] == []

    # media: there, of the right kind, and the very bytes behind each link
    wanted = media_urls(envelope)
    shown = shown_media(page)
    assert len(shown) == len(wanted)
    assert sorted(block for block, _ in shown) == sorted(
        "audio" if url.endswith(".mp3") else "image" for url in wanted)
    originals = sorted(hashlib.sha256(request(url).body).hexdigest()
                       for url in wanted)
    assert sorted(hashlib.sha256(fetch(link)).hexdigest()
                  for _, link in shown) == originals
    stored = stack.rows("SELECT * FROM v_media WHERE resource_id = :'id'",
                        id=key)
    assert sorted(row["sha256"] for row in stored) == originals
    for row in stored:
        content = stack.object(row["key"])
        assert hashlib.sha256(content).hexdigest() == row["sha256"]
        assert len(content) == row["size"]
        assert re.fullmatch(r"[a-z]+/\d{4}/\d\d/\d\d/[\w-]+\.(mp3|jpg|png)",
                            row["key"])


def test_other_events_make_no_page(stack: Stack) -> None:
    suffix = stack.fresh()
    events = [stack.load(f"2026-03-30/{name}", suffix) for name in
              ("contact.updated", "task.created", "integration.created")]
    before = stack.rows("SELECT count(*) FROM v_pages")
    stack.send(*events)
    stack.process()
    assert stack.rows("SELECT count(*) FROM v_pages") == before
    assert not stack.rows("SELECT FROM v_jobs WHERE resource_id LIKE"
                          " '%-' || :'s'", s=suffix)


def content(stack: Stack, key: str) -> str:
    """All that a page says: title, icon, values and blocks, without the ids
    and times that Notion gives, and without the call's own id."""
    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: plain(inner) for name, inner in value.items()
                    if name not in ("id", "created_time", "last_edited_time",
                                    "created_by", "last_edited_by", "parent")}
        return [plain(v) for v in value] if isinstance(value, list) else value

    page = stack.page(key)
    del page["properties"]["Synced at"]
    said = {"title": title(page), "icon": page["icon"],
            "properties": plain(page["properties"]),
            "blocks": plain(page["children"])}
    text = json.dumps(said, sort_keys=True).replace(key, "THE-CALL")
    # each copy of the call has links of its own
    return re.sub(r"/r/[\w-]+", "/r/TOKEN", text)


def difference(one: str, other: str) -> str:
    """Where two pages part."""
    at = len(os.path.commonprefix([one, other]))
    return f"...{one[at - 300:at + 200]}\n\n...{other[at - 300:at + 200]}"


@pytest.mark.parametrize("generation", ["v2", "v3", "v4", "2026-03-30"])
def test_all_orders_of_a_calls_events_make_the_same_page(
        stack: Stack, generation: str) -> None:
    """24 calls, each with its own order, the processor at work after every
    single event; then everything once more."""
    suffix = stack.fresh()
    lives = [[stack.load(f"{generation}/{name}", f"{suffix}o{number}")
              for name in order]
             for number, order in enumerate(itertools.permutations(LIFE))]
    assert len(lives) == 24
    for step in range(len(LIFE)):
        stack.send(*(life[step] for life in lives))
        stack.process()
    keys = [deliver.resource_id(life[0]) for life in lives]
    pages = {content(stack, key) for key in keys}
    assert len(pages) == 1, difference(*sorted(pages)[:2])
    for text in ("Transcript", "audio", "to_do"):
        assert text in next(iter(pages))

    again = [event for life in lives for event in life]
    random.Random(7).shuffle(again)
    for event in again:
        event["id"] += "-repeated"  # as a new delivery, not a known one
    requests = stack.control("GET", "/stats")
    before = len(stack.control("GET", "/notion/pages"))
    stack.send(*again)
    stack.process()
    assert {content(stack, key) for key in keys} == pages
    written_pages = stack.control("GET", "/notion/pages")
    assert len(written_pages) == before
    for key in keys:
        assert len([page for page in written_pages
                    if f'"{key}"' in json.dumps(page["properties"])]) == 1
    # nothing has changed, so Notion was not asked to write anything
    assert written(stack.control("GET", "/stats")) == written(requests)


def written(stats: dict[str, Any]) -> Any:
    """How many requests Notion has answered."""
    return stats["counts"]["notion"]


def test_a_call_told_by_two_generations_is_one_page(stack: Stack) -> None:
    """App webhooks and API webhooks may both point to us."""
    suffix = stack.fresh()
    events = [stack.load(f"{generation}/{name}", suffix)
              for generation in ("v2", "v4", "2026-03-30") for name in LIFE]
    key = "ACshared" + suffix
    told_once = [json.loads(json.dumps(event).replace(
        deliver.resource_id(event), key)) for event in events]
    stack.send(*told_once)
    stack.process()
    assert stack.rows("SELECT count(*) FROM v_calls WHERE call_id = :'id'",
                      id=key) == [{"count": 1}]
    assert texts(stack.page(key))
    pages = [page for page in stack.control("GET", "/notion/pages")
             if key in json.dumps(page["properties"])]
    assert len(pages) == 1


def test_attachments_that_the_webhook_does_not_name(stack: Stack) -> None:
    """v4 messages come without media: OpenPhone's API has it."""
    event = stack.load("v4/message.received-mms", stack.fresh())
    key = deliver.resource_id(event)
    base = stack.env["SANDBOX_MEDIA"]
    stack.control("POST", "/openphone/messages", {
        "id": key, "media": [{"url": f"{base}/gen/3000/one.jpg"},
                             {"url": f"{base}/gen/4000/two.png"}]})
    stack.send(event)
    stack.process()
    shown = shown_media(stack.page(key))
    assert [kind for kind, _ in shown] == ["image", "image"]
    assert [len(fetch(link)) for _, link in shown] == [3000, 4000]


def test_people_see_names_not_ids(stack: Stack,
                                  world: dict[str, dict[str, Any]]) -> None:
    """The sandbox knows Jane Doe, Sam Rivera and the number called Main."""
    page = stack.page(deliver.resource_id(
        world["2026-03-30/call.transcript.completed"]))
    assert "Sam Rivera" in texts(page)
    page = stack.page(deliver.resource_id(
        world["2026-03-30/message.received"]))
    assert "Jane Doe" in title(page)


def test_media_hosts_never_see_a_key(stack: Stack,
                                     world: dict[str, Any]) -> None:
    lines = [json.loads(line) for line in
             open(stack.env["SANDBOX_RECORD"], encoding="utf-8")]
    media = [line for line in lines if line["service"] == "media"]
    assert media
    assert not [line for line in media if "authorization" in
                {name.lower() for name in line["headers"]}]


def test_no_request_was_refused(stack: Stack, violations_before: list[Any],
                                world: dict[str, Any]) -> None:
    """Nothing that these tests made the program send breaks a rule."""
    assert stack.control("GET", "/stats")["violations"] == violations_before
    assert stack.control("GET", "/stats")["counts"]["notion"]["200"] > 100


def test_nothing_is_left_to_do(stack: Stack, world: dict[str, Any]) -> None:
    assert stack.rows("SELECT * FROM v_jobs WHERE state = 'dead'") == []
