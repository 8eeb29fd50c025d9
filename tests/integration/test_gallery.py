"""The gallery: each kind of page as `onsctl show` prints it, in both schemas,
beside the text that a person has read and found good.

tests/golden/gallery/<schema>/<kind>.txt is that text; GOLDEN_UPDATE=1 writes
what is shown now: read the difference. Ids that end in the test's own suffix,
tokens of links, hosts and the times of writing are made the same first.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any, Callable

import deliver
import pytest
from conftest import TOP, Stack, psql

pytestmark = pytest.mark.sanitize

GALLERY = TOP / "tests" / "golden" / "gallery"

# What came in for each page; the first one's resource is the page's.
KINDS = {
    "answered": ("call.completed", "call.menu.selected",
                 "call.recording.completed", "call.transcript.completed",
                 "call.summary.completed"),
    "outgoing": ("call.completed-outgoing",),
    "no-answer": ("call.completed-outgoing-no-answer",),
    "missed": ("v4/call.completed-missed",),
    "voicemail": ("call.completed-missed-voicemail", "call.missed",
                  "call.voicemail.completed"),
    "forwarded": ("call.completed-forwarded", "call.forwarded"),
    "ai": ("call.completed-ai", "call.summary.completed-ai"),
    "group-call": ("call.completed-group", "call.recording.completed-group",
                   "call.transcript.completed-absent"),
    "five-segments": ("call.completed", "call.recording.completed"),
    "sms": ("message.received",),
    "sms-out": ("message.delivered",),
    "mms": ("message.received-mms",),
    "group-text": ("message.received-group",),
    "failed-message": ("message.failed",),
}

Show = Callable[[str], str]


def deliveries(stack: Stack, kind: str, suffix: str) -> list[dict[str, Any]]:
    """Those of the dated API, unless the name says otherwise."""
    life = [stack.load(name if "/" in name else f"2026-03-30/{name}",
                       suffix + kind.replace("-", "")) for name in KINDS[kind]]
    if kind == "five-segments":
        [first] = life[1]["data"]["resource"]["recordings"]
        life[1]["data"]["resource"]["recordings"] = [
            {**first, "id": f"CRtest0{number}", "duration": 10 + number,
             "startTime": f"2026-04-13T09:15:{10 + 12 * number}.000Z",
             "url": first["url"].replace("rec01", f"segment{number}")}
            for number in range(5)]
    return life


def plain(text: str, suffix: str) -> str:
    """Without what is another each time."""
    text = re.sub(rf"-{suffix}\w*", "", text)
    text = re.sub(r"https?://[\w.]+(:\d+)?/(r/)?[\w-]{22,}\b",
                  r"https://host/\2TOKEN", text)
    text = re.sub(r"http://127\.0\.0\.1:\d+", "https://host", text)
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UUID", text)
    return re.sub(r"^((?:Synced At|Synced at|Last Updated):\s+)\S.*$",
                  r"\1NOW", text, flags=re.MULTILINE)


@pytest.fixture(scope="module", params=["ours", "original"])
def gallery(request: pytest.FixtureRequest, stack: Stack,
            tmp_path_factory: pytest.TempPathFactory
            ) -> Iterator[tuple[str, Show]]:
    """All kinds written into databases of their own; how to see a page."""
    schema, suffix = request.param, stack.fresh() + "gallery"
    config = stack.variant(tmp_path_factory.mktemp("gallery"),
                           notion__schema=schema)
    psql(stack.env, "CREATE TABLE kept AS SELECT * FROM destination;"
         "DELETE FROM destination;")
    try:
        stack.run("onsctl", "init", config=config)
        # the names of all who appear, whichever page is written first
        for name in ("call.completed-group", "call.completed-outgoing"):
            stack.send(stack.load(f"2026-03-30/{name}", suffix + "names"))
        stack.process()
        lives = {kind: deliveries(stack, kind, suffix) for kind in KINDS}
        stack.send(*(event for life in lives.values() for event in life))
        stack.run("ons-process", "--drain", config=config)

        def show(kind: str) -> str:
            key = deliver.resource_id(lives[kind][0])
            return plain(stack.run("onsctl", "show", key,
                                   config=config).stdout, suffix)

        yield schema, show
    finally:
        psql(stack.env, "BEGIN; DELETE FROM destination; INSERT INTO"
             " destination SELECT * FROM kept; DROP TABLE kept; COMMIT;")


@pytest.mark.parametrize("kind", KINDS)
def test_page_is_as_it_was_found_good(gallery: tuple[str, Show],
                                      kind: str) -> None:
    schema, show = gallery
    golden = GALLERY / schema / f"{kind}.txt"
    shown = show(kind)
    if os.environ.get("GOLDEN_UPDATE") == "1":
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(shown, encoding="utf-8")
    assert shown == golden.read_text(encoding="utf-8")


def test_every_page_of_the_gallery_has_its_kind() -> None:
    """No text is left behind that nothing is compared with."""
    assert {f"{path.parent.name}/{path.stem}"
            for path in GALLERY.glob("*/*.txt")} == \
        {f"{schema}/{kind}" for schema in ("ours", "original")
         for kind in KINDS}
