"""The shapes of Notion's objects in requests: rich text, blocks, properties.

Sources: Notion's OpenAPI document for 2026-03-11 (closed objects, maxima), its
page on request limits, and recorded requests that the API has accepted.
"""

from __future__ import annotations

import functools
import re
import zoneinfo
from datetime import datetime
from typing import Any

from shapes import (UNDEFINED, Check, Invalid, Keys, anything, array, boolean,
                    closed, const, either, integer, mapping, nothing, nullable,
                    number, optional, refuse, shown, text, uuid, variant)

BLOCKS_A_REQUEST = 1000

COLOURS = ("default", "gray", "brown", "orange", "yellow", "green", "blue",
           "purple", "pink", "red")
TEXT_COLOURS = COLOURS + tuple(c + "_background" for c in COLOURS)
READ_ONLY = ("created_by", "created_time", "formula", "last_edited_by",
             "last_edited_time", "rollup", "unique_id", "button",
             "verification")
LANGUAGES = """abap abc agda arduino assembly bash basic bnf c c# c++ clojure
coffeescript coq css dart dhall diff docker ebnf elixir elm erlang f# flow
fortran gherkin glsl go graphql groovy haskell hcl html idris java javascript
json julia kotlin latex less lisp livescript lua makefile markdown markup
mathematica matlab mermaid nix ocaml pascal perl php powershell prolog
protobuf purescript python r racket reason ruby rust sass scala scheme scss
shell smalltalk solidity sql swift toml typescript vb.net verilog vhdl
webassembly xml yaml
""".split() + ["ascii art", "java/c/c++/c#", "llvm ir", "notion formula",
               "objective-c", "plain text", "visual basic"]


# --- small values -------------------------------------------------------------

short = text(1, 100)
colour = const(*COLOURS)
text_colour = const(*TEXT_COLOURS)
any_text = text(0, 1_000_000)


def web_address(value: Any, where: str) -> None:
    """A URL as links and external files take it."""
    text(1, 2000)(value, where)
    if not re.match(r"(https?|ftp|mailto|tel|notion):|/", value, re.IGNORECASE):
        raise Invalid(f"Invalid URL for link: {where} was `{shown(value)}`.")


def file_address(value: Any, where: str) -> None:
    text(1, 2000)(value, where)
    if not re.match(r"https?://[^/\s]+", value, re.IGNORECASE):
        refuse(where, "a valid URL", value)


def iso_date(value: Any, where: str) -> None:
    """A date, or a date and a time with or without an offset."""
    if isinstance(value, str) and re.fullmatch(
            r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?"
            r"(Z|[+-]\d\d:?\d\d)?)?", value):
        try:
            parse_date(value)
            return
        except ValueError:
            pass
    refuse(where, "a valid ISO 8601 date string", value)


def parse_date(value: str) -> datetime:
    """The moment of an ISO date; naive where it names no offset."""
    fraction = re.sub(r"\.(\d+)", lambda m: "." + (m[1] + "000000")[:6], value)
    return datetime.fromisoformat(fraction.replace("Z", "+00:00"))


@functools.lru_cache(maxsize=1)
def _time_zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def time_zone(value: Any, where: str) -> None:
    if not isinstance(value, str) or value not in _time_zones():
        refuse(where, "a valid IANA time zone", value)


date_value = closed({"start": iso_date, "end": optional(nullable(iso_date)),
                     "time_zone": optional(nullable(time_zone))})

by_id = closed({"id": uuid})
user = closed({"id": uuid, "object": optional(const("user"))})
custom_emoji = closed({"id": uuid, "name": optional(any_text),
                       "url": optional(any_text)})
icon = variant({
    "emoji": text(1, 30),
    "external": closed({"url": file_address}),
    "file_upload": by_id,
    "custom_emoji": custom_emoji})
cover = variant({"external": closed({"url": file_address}),
                 "file_upload": by_id})


# --- rich text ----------------------------------------------------------------

annotations = closed({
    **{name: optional(boolean) for name in
       ("bold", "italic", "strikethrough", "underline", "code")},
    "color": optional(text_colour)})

mention = variant({
    "user": user,
    "date": date_value,
    "page": by_id,
    "database": by_id,
    "template_mention": variant({
        "template_mention_date": const("today", "now"),
        "template_mention_user": const("me")}),
    "custom_emoji": custom_emoji})

rich_text_item = variant(
    {"text": closed({
        "content": text(0, 2000),
        "link": optional(nullable(closed({
             "url": web_address, "type": optional(const("url"))})))}),
     "mention": mention,
     "equation": closed({"expression": text(1, 1000)})},
    # What responses add is taken back without effect.
    {"annotations": optional(annotations),
     "plain_text": optional(any_text), "href": optional(nullable(any_text))})

rich_text = array(rich_text_item)


# --- blocks -------------------------------------------------------------------

def _media(named: bool = False) -> Check:
    common = {"caption": optional(rich_text)}
    if named:
        common["name"] = optional(short)
    return variant({"external": closed({"url": file_address}),
                    "file_upload": by_id}, common)


_coloured = {"rich_text": rich_text, "color": optional(text_colour)}
_heading = {**_coloured, "is_toggleable": optional(boolean)}
_linked = {"url": text(1, 2000), "caption": optional(rich_text)}

# The keys of each kind of block, its children apart.
CONTENT: dict[str, Keys | Check] = {
    "paragraph": {**_coloured, "icon": optional(nullable(icon))},
    "heading_1": _heading, "heading_2": _heading,
    "heading_3": _heading, "heading_4": _heading,
    "bulleted_list_item": _coloured,
    "numbered_list_item": _coloured,
    "quote": _coloured,
    "toggle": _coloured,
    "to_do": {**_coloured, "checked": optional(boolean)},
    "callout": {**_coloured, "icon": optional(nullable(icon))},
    "synced_block": {"synced_from": nullable(closed({
        "block_id": uuid, "type": optional(const("block_id"))}))},
    "table": {"table_width": integer(1, 100),
              "has_column_header": optional(boolean),
              "has_row_header": optional(boolean)},
    "table_row": {"cells": array(rich_text)},
    "column_list": {},
    "column": {"width_ratio": optional(number)},
    "tab": {},
    "code": {"rich_text": rich_text, "language": const(*LANGUAGES),
             "caption": optional(rich_text)},
    "equation": {"expression": text(0, 1000)},
    "divider": {}, "breadcrumb": {},
    "table_of_contents": {"color": optional(text_colour)},
    "embed": _linked, "bookmark": _linked,
    "image": _media(), "video": _media(), "pdf": _media(), "audio": _media(),
    "file": _media(named=True),
    "link_to_page": variant({"page_id": uuid, "database_id": uuid,
                             "comment_id": uuid}),
}

# These must have children, of that kind and so many; other parents may.
_OWN_CHILDREN = {"table": ("table_row", 1), "column_list": ("column", 2),
                 "column": (None, 0), "tab": (None, 0)}
PARENTS = {"paragraph", "heading_1", "heading_2", "heading_3", "heading_4",
           "bulleted_list_item", "numbered_list_item", "quote", "toggle",
           "to_do", "callout", "synced_block", *_OWN_CHILDREN}
HEADINGS = {"heading_1", "heading_2", "heading_3", "heading_4"}

# Levels of children below the top of a request.
NESTING = 2


def kind_of(block: dict[str, Any]) -> str | None:
    return next((kind for kind in CONTENT if kind in block), None)


def block(value: Any, where: str, depth: int = 0) -> None:
    """A block to create, `depth` levels below the top of the request."""
    if not isinstance(value, dict):
        refuse(where, "an object", value)
    kind = kind_of(value)
    if kind is None:
        raise Invalid("Fix one:\n" + "\n".join(
            f"{where}.{one} should be defined, instead was `undefined`."
            for one in CONTENT))
    closed({kind: anything, "type": optional(const(kind)),
            "object": optional(const("block"))})(value, where)
    if kind in ("column_list", "column") and depth > 0:
        refuse(f"{where}.{kind}", "not present", value[kind])
    content, here = value[kind], f"{where}.{kind}"
    shape = CONTENT[kind]
    if callable(shape):
        return shape(content, here)
    children = optional(functools.partial(_children_of, kind, content, depth))
    closed({**shape, "children": children if kind in PARENTS else optional(
        _no_children)})(content, here)
    if kind in _OWN_CHILDREN and "children" not in content:
        refuse(here + ".children", "defined", UNDEFINED)
    return None


def _no_children(value: Any, where: str) -> None:
    refuse(where, "not present", value)


def _children_of(kind: str, content: dict[str, Any], depth: int, value: Any,
                 where: str) -> None:
    if kind in HEADINGS and not content.get("is_toggleable"):
        _no_children(value, where)
    only, least = _OWN_CHILDREN.get(kind, (None, 0))
    if depth >= NESTING:
        _no_children(value, where)
    # A list and its columns are one level together.
    below = depth if kind == "column_list" else depth + 1
    array(functools.partial(_child, only, below), least)(value, where)
    if kind == "table":
        _table_rows(content, value, where)


def _child(only: str | None, depth: int, value: Any, where: str) -> None:
    if only and isinstance(value, dict) and only not in value:
        refuse(f"{where}.{only}", "defined", UNDEFINED)
    block(value, where, depth)


def _table_rows(table: dict[str, Any], rows: list[Any], where: str) -> None:
    for index, row in enumerate(rows):
        cells = row["table_row"]["cells"]
        if len(cells) != table.get("table_width"):
            raise Invalid(
                f"Number of cells in table row must match the table width of "
                f"the parent table: {where}[{index}] has {len(cells)}.")


def children(value: Any, where: str) -> None:
    """The blocks of one request."""
    array(block)(value, where)
    total = sum(count_blocks(one) for one in value)
    if total > BLOCKS_A_REQUEST:
        refuse("the number of blocks in " + where,
               f"≤ `{BLOCKS_A_REQUEST}`", total)


def count_blocks(value: dict[str, Any]) -> int:
    content = value[kind_of(value) or ""]
    return 1 + sum(count_blocks(one) for one in content.get("children", []))


def _changed(shape: Keys | Check) -> Check:
    """The shape of a block's content in an update: every key is optional,
    and what cannot change may not be there."""
    if callable(shape):
        return anything
    return closed({**{key: optional(check) for key, check in shape.items()
                      if key != "table_width"},
                   "children": optional(array(anything, 0, 0))})


_media_change = {"caption": optional(rich_text),
                 "external": optional(closed({"url": file_address})),
                 "file_upload": optional(by_id)}
_CHANGES: dict[str, Check] = {
    **{kind: _changed(shape) for kind, shape in CONTENT.items()},
    **{kind: closed(_media_change) for kind in
       ("image", "video", "pdf", "audio")},
    "file": closed({**_media_change, "name": optional(short)}),
    "link_to_page": CONTENT["link_to_page"],  # type: ignore[dict-item]
}


def block_update(value: Any, where: str, trash: Keys) -> None:
    if isinstance(value, dict) and kind_of(value):
        variant(_CHANGES, trash)(value, where)
    else:
        closed({**trash, "type": optional(any_text)})(value, where)


# --- properties: values -------------------------------------------------------

def option_name(value: Any, where: str) -> None:
    short(value, where)
    if "," in value:
        raise Invalid(f"Invalid select option, commas not allowed: {value}")


_option_keys = {"color": optional(colour),
                "description": optional(nullable(any_text))}
option = either(closed({"name": option_name, "id": optional(short),
                        **_option_keys}),
                closed({"id": short, **_option_keys}))
group = closed({"id": uuid, "object": const("group"),
                "name": optional(nullable(any_text))})
file_value = variant(
    {"external": closed({"url": file_address}),
     "file": closed({"url": file_address, "expiry_time": optional(any_text)}),
     "file_upload": by_id}, {"name": optional(short)})

VALUES: dict[str, Check] = {
    "title": rich_text,
    "rich_text": rich_text,
    "number": nullable(number),
    "url": nullable(text(1, 2000)),
    "email": nullable(short),
    "phone_number": nullable(short),
    "select": nullable(option),
    "status": nullable(option),
    "multi_select": array(option),
    "people": array(either(user, group)),
    "date": nullable(date_value),
    "checkbox": boolean,
    "relation": array(by_id),
    "files": array(file_value),
    "place": nullable(mapping(anything)),
}


def property_value(value: Any, where: str) -> None:
    """One value; which type its column has is for others to check."""
    for kind in READ_ONLY:
        if isinstance(value, dict) and kind in value:
            raise Invalid(f"{where}.{kind} is read only and cannot be set "
                          "over the API.")
    variant(VALUES, {"id": optional(any_text), "has_more": optional(boolean)}
            )(value, where)
    for index, one in enumerate(value.get("files", [])):
        if "file_upload" not in one and "name" not in one:
            refuse(f"{where}.files[{index}].name", "defined", UNDEFINED)


def page_properties(value: Any, where: str) -> None:
    """Values by name; "title" alone may be a bare array."""
    def one(inner: Any, here: str) -> None:
        if here == where + ".title" and isinstance(inner, list):
            rich_text(inner, here)
        else:
            property_value(inner, here)
    mapping(one)(value, where)


# --- properties: configuration ------------------------------------------------

def _options(value: Any, where: str) -> None:
    array(option)(value, where)


def _select_options(grouped: bool) -> Check:
    return closed({"options": optional(_options),
                   **({"groups": optional(anything)} if grouped else {})})


CONFIGS: dict[str, Check] = {
    **{kind: nothing for kind in (
        "title", "rich_text", "url", "email", "phone_number", "date",
        "checkbox", "people", "files", "created_time", "created_by",
        "last_edited_time", "last_edited_by", "place", "button",
        "verification", "last_visited_time", "location")},
    "number": closed({"format": optional(short)}),
    "select": _select_options(False),
    "multi_select": _select_options(False),
    "status": _select_options(True),
    "unique_id": closed({"prefix": optional(nullable(short))}),
    "formula": closed({"expression": optional(any_text)}),
    "relation": variant(
        {"single_property": nothing,
         "dual_property": closed({"synced_property_id": optional(short),
                                  "synced_property_name": optional(short)})},
        {"data_source_id": uuid}),
    "rollup": closed({"function": short,
                      **{f"{what}_property_{key}": optional(short)
                         for what in ("relation", "rollup")
                         for key in ("name", "id")}}),
}

_config_common = {"name": optional(short), "id": optional(short),
                  "description": optional(nullable(text(1, 280)))}
property_config = variant(CONFIGS, _config_common)


def property_change(value: Any, where: str) -> None:
    """A configuration, a new name, or null to delete."""
    if value is None:
        return
    if isinstance(value, dict) and not any(kind in value for kind in CONFIGS):
        closed({**_config_common, "name": short,
                "type": optional(const(*CONFIGS))})(value, where)
    else:
        property_config(value, where)


def new_schema(value: Any, where: str) -> None:
    """The properties of a new data source: exactly one is the title."""
    mapping(property_config)(value, where)
    titles = sum("title" in one for one in value.values())
    if titles != 1:
        raise Invalid(f"{where} should have exactly one property of type "
                      f"title, instead had `{titles}`.")
