"""Calls and messages that pass all that the programs do, and how their pages
look when nothing fails."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import deliver
from integration import STACK

Json = dict[str, Any]

DATED = "2026-03-30"


class Life:
    """Resources of its own: a call whose parts come one after the other and
    change, a missed one whose voicemail only the API has, messages with
    attachments in the payload and in the API, a contact."""

    def __init__(self, stack: Any) -> None:
        self.suffix = suffix = stack.fresh()
        self.world: list[tuple[str, Json]] = []
        for kind, wanted in (("calls", "ACv4call02"),
                             ("voicemails", "VMv4vm02"),
                             ("messages", "ACv4msg03")):
            self._know(stack, kind, wanted)
        summary = stack.load(f"{DATED}/call.summary.completed", suffix)
        contact = stack.load(f"{DATED}/contact.updated", suffix)
        contact = json.loads(json.dumps(contact).replace(
            "+15550001111", "+15550007777"))
        self.phases = [
            [stack.load(f"{DATED}/call.completed", suffix),
             stack.load("v4/call.completed-missed", suffix),
             stack.load("v4/message.received-mms", suffix)],
            [stack.load(f"{DATED}/call.recording.completed", suffix),
             summary, contact],
            [stack.load(f"{DATED}/call.transcript.completed", suffix),
             changed(summary),
             stack.load(f"{DATED}/message.received-mms", suffix)]]
        self.events = [event for phase in self.phases for event in phase]
        ids = {deliver.resource_id(event) for event in self.events}
        self.pages = sorted(ids - {deliver.resource_id(contact)})

    def _know(self, stack: Any, kind: str, wanted: str) -> None:
        """The stack's world has it, under an id of its own, too."""
        text = (STACK / "world" / f"{kind}.json").read_text() \
            .replace("{{MEDIA}}", stack.env["SANDBOX_MEDIA"])
        [one] = [one for one in json.loads(text) if one["id"] == wanted]
        for field in ("id", "callId"):
            if field in one:
                one[field] += f"-{self.suffix}"
        stack.control("POST", f"/openphone/{kind}", one)


def changed(summary: Json) -> Json:
    """A later event that says something else."""
    event = json.loads(json.dumps(summary))
    event["id"] += "-again"
    event["createdAt"] = event["createdAt"].replace("09:16:56", "09:17:56")
    event["data"]["resource"]["summary"] = ["The posters are ready now."]
    return event


def plain(page: Json, suffix: str) -> Json:
    """What two pages of the same life have in common: all but ids, times and
    the secret part of links."""
    kept = {"icon": page["icon"], "title": page["title"],
            "properties": {name: _bare(value) for name, value
                           in page["properties"].items()
                           if name != "Synced at"},
            "children": _bare(page["children"])}
    text = json.dumps(kept, sort_keys=True, ensure_ascii=False)
    text = re.sub(r"/r/[A-Za-z0-9_-]+|/notion/[0-9a-f-]{36}/", "/SECRET/",
                  text)
    return json.loads(re.sub(rf"-{suffix}\b", "-LIFE", text))


VOLATILE = {"id", "created_time", "last_edited_time", "created_by",
            "last_edited_by", "parent", "expiry_time"}


def _bare(value: Any) -> Any:
    if isinstance(value, list):
        return [_bare(item) for item in value]
    if isinstance(value, dict):
        return {name: _bare(inner) for name, inner in value.items()
                if name not in VOLATILE}
    return value


class Reference:
    """The pages of a life whose events were all there before anything was
    written: the fold of its events, in one go."""

    def __init__(self, stack: Any, config: Path | None = None) -> None:
        life = Life(stack)
        stack.send(*life.events)
        stack.run("ons-process", "--drain", config=config)
        self.pages = {generic(key, life): plain(stack.page(key), life.suffix)
                      for key in life.pages}


def generic(key: str, life: Life) -> str:
    return key.removesuffix(f"-{life.suffix}")
