"""Values as Notion keeps and returns them: rich text, dates, properties."""

from __future__ import annotations

import random
import string
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Callable
from urllib.parse import quote
from zoneinfo import ZoneInfo

from notion_requests import Error
from notion_schema import COLOURS, READ_ONLY, parse_date

Json = dict[str, Any]

# References that a page's own answer holds; the rest is paged.
REFERENCES = 25
OPTIONS = 100

_EMPTY_LISTS = ("title", "rich_text", "multi_select", "people", "relation",
                "files")
_STATUS = (("To-do", "gray", "Not started"), ("In progress", "blue",
           "In progress"), ("Complete", "green", "Done"))


def refused(message: str) -> Error:
    return Error(400, "validation_error", message)


def dashed(identifier: str) -> str:
    """The one form of an id that is stored and returned."""
    return str(uuid.UUID(identifier))


def minute(moment: datetime) -> str:
    """A time stamp of a page or block."""
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:00.000Z")


# --- rich text ----------------------------------------------------------------

def rich_text(items: list[Json]) -> list[Json]:
    """Rich text as responses show it."""
    return [_item(item) for item in items]


def _item(item: Json) -> Json:
    kind = next(k for k in ("text", "mention", "equation") if k in item)
    href = None
    if kind == "text":
        link = item["text"].get("link")
        href = link["url"] if link else None
        content: Json = {"content": item["text"]["content"],
                         "link": {"url": href} if link else None}
        plain = content["content"]
    elif kind == "equation":
        content = item["equation"]
        plain = content["expression"]
    else:
        content, plain = _mention(item["mention"])
    marks = {name: False for name in ("bold", "italic", "strikethrough",
                                      "underline", "code")}
    return {"type": kind, kind: content,
            "annotations": {**marks, "color": "default",
                            **item.get("annotations", {})},
            "plain_text": plain, "href": href}


def _mention(mention: Json) -> tuple[Json, str]:
    kind = next(key for key in mention if key != "type")
    if kind == "date":
        date = kept_date(mention["date"])
        return {"type": "date", "date": date}, date["start"]
    names = {"user": "@Sandbox", "page": "Untitled", "database": "Untitled"}
    return {"type": kind, kind: mention[kind]}, names.get(kind, "@")


def plain(items: list[Json]) -> str:
    return "".join(item["plain_text"] for item in items)


# --- dates --------------------------------------------------------------------

def kept_date(value: Json) -> Json:
    """What is left of a date: whole minutes, and the offset for the zone."""
    zone = value.get("time_zone")
    return {"start": _kept_moment(value["start"], zone),
            "end": (_kept_moment(value["end"], zone)
                    if value.get("end") else None),
            "time_zone": None}


def _kept_moment(text: str, zone: str | None) -> str:
    if len(text) == 10:
        return text
    moment = parse_date(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(zone) if zone else timezone.utc)
    return moment.replace(second=0, microsecond=0).isoformat(
        timespec="milliseconds")


# --- files --------------------------------------------------------------------

FileUrl = Callable[[str], Json]  # of an upload's id: {"url", "expiry_time"}


def kept_file(value: Json, upload: FileUrl) -> Json:
    """A file reference; uploads become files that Notion hosts."""
    rest = {key: one for key, one in value.items()
            if key not in ("type", "external", "file", "file_upload")}
    if "file_upload" in value:
        return {**rest, "type": "file",
                "file": upload(dashed(value["file_upload"]["id"]))}
    kind = "external" if "external" in value else "file"
    return {**rest, "type": kind, kind: value[kind]}


def kept_icon(value: Json | None, upload: FileUrl) -> Json | None:
    """An icon or cover."""
    if value is None:
        return None
    if not {"external", "file_upload"} & value.keys():
        return {"type": next(k for k in value if k != "type"), **value}
    return kept_file(value, upload)


# --- properties ---------------------------------------------------------------

def _new_property_id() -> str:
    """Four characters, often ones that have to be encoded in a path."""
    alphabet = string.ascii_letters + ":;<=>?@[\\]^`{|}~"
    return "".join(random.choices(alphabet, k=4))


@dataclass
class Property:
    """A column of a data source."""

    name: str
    type: str
    config: Json
    id: str = field(default_factory=_new_property_id)
    description: str | None = None
    counter: int = 0  # of unique_id

    @property
    def public_id(self) -> str:
        return quote(self.id, safe="")

    def answers_to(self, key: str) -> bool:
        return key in (self.name, self.id, self.public_id)

    def shown(self) -> Json:
        return {"id": self.public_id, "name": self.name,
                "description": self.description, "type": self.type,
                self.type: self.config}

    def option(self, wanted: Json, create: bool) -> str:
        """The id of an option by name or id; select types grow new ones."""
        for one in self.config["options"]:
            if _names(wanted, one):
                return one["id"]
        if not create or "name" not in wanted:
            name, kind = wanted.get("name", wanted.get("id")), self.type
            raise refused(f'Invalid {kind} option. {kind.capitalize()} option '
                          f'"{name}" does not exist.')
        self.config["options"].append(new_option(wanted))
        return self.config["options"][-1]["id"]

    def option_by_id(self, identifier: str) -> Json | None:
        return next(({key: one[key] for key in ("id", "name", "color")}
                     for one in self.config["options"]
                     if one["id"] == identifier), None)


def _names(wanted: Json, option: Json) -> bool:
    """Does a request mean this option, by id or by name?"""
    return (wanted.get("id") == option["id"]
            or wanted.get("name") == option["name"])


def new_option(wanted: Json) -> Json:
    return {"id": wanted.get("id") or "".join(random.choices(
                string.ascii_letters + string.digits, k=4)),
            "name": wanted.get("name", ""),
            "color": wanted.get("color") or random.choice(COLOURS),
            "description": wanted.get("description")}


def new_property(name: str, wanted: Json) -> Property:
    """A property from its configuration."""
    kind = next(key for key in wanted if key not in
                ("type", "name", "id", "description"))
    made = Property(name, kind, new_config(kind, wanted[kind], []),
                    description=wanted.get("description"))
    if kind == "title":
        made.id = "title"
    return made


def new_config(kind: str, wanted: Json, options: list[Json]) -> Json:
    """A configuration as kept; options keep the ids they have."""
    if kind in ("select", "multi_select"):
        return {"options": [_kept_option(one, options)
                            for one in wanted.get("options", [])]}
    if kind == "status":
        return _status_config(wanted, options)
    if kind == "number":
        return {"format": wanted.get("format", "number")}
    if kind == "unique_id":
        return {"prefix": wanted.get("prefix")}
    if kind == "relation":
        side = next(key for key in wanted if key.endswith("_property"))
        return {"data_source_id": dashed(wanted["data_source_id"]),
                "type": side, side: wanted[side]}
    return dict(wanted)


def _kept_option(wanted: Json, options: list[Json]) -> Json:
    for one in options:
        if _names(wanted, one):
            return {**one, **wanted}
    return new_option(wanted)


def _status_config(wanted: Json, options: list[Json]) -> Json:
    names = wanted.get("options") or [{"name": name, "color": shade}
                                      for _, shade, name in _STATUS]
    kept = [_kept_option(one, options) for one in names]
    groups = [{"id": str(uuid.uuid4()), "name": name, "color": shade,
               "option_ids": []} for name, shade, _ in _STATUS]
    for index, one in enumerate(kept):
        groups[min(index, 2)]["option_ids"].append(one["id"])  # type: ignore
    return {"options": kept, "groups": groups}


def accept(prop: Property, name: str, value: Any, upload: FileUrl) -> Any:
    """A request's value in the form that is kept; name is for messages."""
    if isinstance(value, list):
        value = {"title": value}
    kind = next(key for key in value if key not in ("type", "id", "has_more"))
    if prop.type in READ_ONLY:
        raise refused(f"{name} is read only: the values of {prop.type} "
                      "properties cannot be set over the API.")
    if kind != prop.type:
        raise refused(f"{name} is expected to be {prop.type}.")
    value = value[kind]
    if value is None:
        return None
    if kind in ("title", "rich_text"):
        return rich_text(value)
    if kind in ("select", "status"):
        return prop.option(value, create=kind == "select")
    if kind == "multi_select":
        return list(dict.fromkeys(prop.option(one, True) for one in value))
    if kind == "date":
        return kept_date(value)
    if kind == "files":
        return [kept_file(one, upload) for one in value]
    if kind == "relation":
        return [{"id": dashed(one["id"])} for one in value]
    if kind == "people":
        return [{"object": "user", "id": dashed(one["id"])} for one in value]
    return value


def empty(kind: str) -> Any:
    """The value of a property that nobody has set."""
    if kind in _EMPTY_LISTS:
        return []
    return False if kind == "checkbox" else None


def shown_value(prop: Property, kept: Any, whole: bool = False) -> Json:
    """A property value as responses have it, whole or only its beginning."""
    base: Json = {"id": prop.public_id, "type": prop.type}
    if prop.type in ("select", "status"):
        kept = prop.option_by_id(kept) if kept else None
    elif prop.type == "multi_select":
        kept = [one for one in map(prop.option_by_id, kept) if one]
    elif prop.type == "formula":
        kept = {"type": "string", "string": None}
    elif prop.type == "rollup":
        kept = {"type": "array", "array": [],
                "function": prop.config.get("function")}
    elif prop.type == "unique_id":
        kept = {"prefix": prop.config["prefix"], "number": kept}
    elif prop.type in ("relation", "people") and not whole:
        if prop.type == "relation":
            base["has_more"] = len(kept) > REFERENCES
        kept = kept[:REFERENCES]
    return {**base, prop.type: kept}
