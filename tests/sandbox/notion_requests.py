"""What Notion's API takes: routes, and the body and parameters of each.

Nothing here knows the state of a workspace; notion.py checks what depends on
it.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from typing import Any, Mapping
from urllib.parse import parse_qs, unquote, urlsplit

from notion_schema import (any_text, block_update, by_id, children, cover,
                           file_address, icon, iso_date, new_schema,
                           page_properties, property_change, rich_text, short)
from shapes import (UNDEFINED, Check, Invalid, Keys, anything, array, boolean,
                    closed, const, either, integer, mapping, nothing, nullable,
                    number, optional, refuse, shown, text, uuid, variant)

VERSIONS = ("2025-09-03", "2026-03-11")
BODY_BYTES = 500_000


@dataclass
class Error(Exception):
    """An answer other than 2xx, in the words of the API."""

    status: int
    code: str
    message: str
    additional_data: dict[str, Any] | None = None


# --- queries ------------------------------------------------------------------

_exists = {"is_empty": const(True), "is_not_empty": const(True)}
_words = ("equals", "does_not_equal", "contains", "does_not_contain",
          "starts_with", "ends_with")


def _day(value: Any, where: str) -> None:
    if value not in ("today", "tomorrow", "yesterday", "one_week_ago",
                     "one_week_from_now", "one_month_ago",
                     "one_month_from_now"):
        iso_date(value, where)


def _some(check: Check) -> Check:
    """One, or an array of them."""
    return either(check, array(check, 1))


def condition(operators: dict[str, Check]) -> Check:
    """Exactly one operator."""
    def check(value: Any, where: str) -> None:
        variant(operators)(value, where)
        if "type" in value:
            refuse(where + ".type", "not present", value["type"])
    return check


_text_condition = condition({**{w: text(0, 2000) for w in _words}, **_exists})
_number_condition = condition({
    **{name: number for name in (
        "equals", "does_not_equal", "greater_than", "less_than",
        "greater_than_or_equal_to", "less_than_or_equal_to")}, **_exists})
_date_condition = condition({
    **{name: _day for name in (
        "equals", "before", "after", "on_or_before", "on_or_after")},
    **{name: nothing for name in (
        "this_week", "past_week", "past_month", "past_year", "next_week",
        "next_month", "next_year")}, **_exists})
_select_condition = condition({"equals": _some(text(1, 2000)),
                               "does_not_equal": _some(text(1, 2000)),
                               **_exists})
_id_condition = condition({"contains": uuid, "does_not_contain": uuid,
                           **_exists})

CONDITIONS: dict[str, Check] = {
    **{kind: _text_condition for kind in (
        "title", "rich_text", "url", "email", "phone_number")},
    "number": _number_condition,
    "unique_id": _number_condition,
    "checkbox": condition({"equals": boolean, "does_not_equal": boolean}),
    "select": _select_condition,
    "status": _select_condition,
    "multi_select": condition({"contains": _some(text(1, 2000)),
                               "does_not_contain": _some(text(1, 2000)),
                               **_exists}),
    **{kind: _date_condition for kind in (
        "date", "created_time", "last_edited_time")},
    **{kind: _id_condition for kind in (
        "relation", "people", "created_by", "last_edited_by")},
    "files": condition(_exists),
    "formula": anything, "rollup": anything, "verification": anything,
}


def query_filter(value: Any, where: str, depth: int = 0) -> None:
    """A condition on a property or time stamp, or two levels of and/or."""
    if isinstance(value, dict) and ("and" in value or "or" in value):
        if depth == 2:
            refuse(where, "nested at most two levels deep", value)
        inner = array(functools.partial(query_filter, depth=depth + 1))
        word = "and" if "and" in value else "or"
        closed({word: inner})(value, where)
    elif isinstance(value, dict) and "timestamp" in value:
        kind = value["timestamp"]
        const("created_time", "last_edited_time")(kind, where + ".timestamp")
        closed({"timestamp": anything, kind: _date_condition,
                "type": optional(const(kind))})(value, where)
    else:
        variant(CONDITIONS, {"property": text(1, 2000)})(value, where)


_direction = const("ascending", "descending")
_sort = either(
    closed({"property": text(1, 2000), "direction": _direction}),
    closed({"timestamp": const("created_time", "last_edited_time"),
            "direction": _direction}))
_paging = {"page_size": optional(integer(1, 100)),
           "start_cursor": optional(text(1, 500))}

query_body = closed({
    **_paging,
    "filter": optional(query_filter),
    "sorts": optional(array(_sort)),
    "is_archived": optional(boolean),
    "result_type": optional(const("page", "data_source"))})

search_body = closed({
    **_paging,
    "query": optional(any_text),
    "sort": optional(closed({"timestamp": const("last_edited_time"),
                             "direction": _direction})),
    "filter": optional(closed({"property": const("object"),
                               "value": const("page", "data_source")}))})


# --- bodies -------------------------------------------------------------------

def _place(*bare: str) -> Check:
    """A position: after a block, or at one of the bare ends."""
    def check(value: Any, where: str) -> None:
        if isinstance(value, dict) and value.get("type") == "after_block":
            closed({"type": anything, "after_block": by_id})(value, where)
        else:
            closed({"type": const(*bare, "after_block")})(value, where)
    return check


def _trash(version: str) -> Keys:
    """How an object is moved to the trash: until 2025-09-03 two words."""
    keys = {"in_trash": optional(boolean)}
    if version < "2026-03-11":
        keys["archived"] = optional(boolean)
    return keys


def page_create(value: Any, where: str, version: str) -> None:
    closed({
        "parent": variant({
            "page_id": uuid, "data_source_id": uuid, "database_id": uuid,
            "workspace": const(True)}),
        "properties": optional(page_properties),
        "icon": optional(nullable(icon)), "cover": optional(nullable(cover)),
        "children": optional(children), "content": optional(children),
        "markdown": optional(any_text),
        "template": optional(mapping(anything)),
        "position": optional(_place("page_start", "page_end"))})(value, where)
    bodies = [key for key in ("children", "content", "markdown")
              if value.get(key)]
    if len(bodies) > 1:
        refuse(f"{where}.{bodies[1]}", "not present", value[bodies[1]])


def page_update(value: Any, where: str, version: str) -> None:
    closed({
        "properties": optional(page_properties),
        "icon": optional(nullable(icon)), "cover": optional(nullable(cover)),
        "is_locked": optional(boolean), "is_archived": optional(boolean),
        "erase_content": optional(boolean),
        "template": optional(mapping(anything)),
        **_trash(version)})(value, where)


def append(value: Any, where: str, version: str) -> None:
    keys = {"children": children,
            "position": optional(_place("start", "end"))}
    if version < "2026-03-11":
        keys["after"] = optional(uuid)
    closed(keys)(value, where)


def _block_update(value: Any, where: str, version: str) -> None:
    block_update(value, where, _trash(version))


_container = variant({"page_id": uuid, "workspace": const(True)})


def database_create(value: Any, where: str, version: str) -> None:
    closed({
        "parent": _container, "title": optional(rich_text),
        "description": optional(rich_text), "is_inline": optional(boolean),
        "icon": optional(nullable(icon)), "cover": optional(nullable(cover)),
        "initial_data_source": optional(closed({
            "properties": optional(new_schema)}))})(value, where)
    if "type" not in value["parent"]:
        refuse(where + ".parent.type", "defined", UNDEFINED)


def database_update(value: Any, where: str, version: str) -> None:
    closed({
        "parent": optional(_container), "title": optional(rich_text),
        "description": optional(rich_text), "is_inline": optional(boolean),
        "icon": optional(nullable(icon)), "cover": optional(nullable(cover)),
        "is_locked": optional(boolean), **_trash(version)})(value, where)


def data_source_create(value: Any, where: str, version: str) -> None:
    closed({"parent": variant({"database_id": uuid}), "properties": new_schema,
            "title": optional(rich_text),
            "icon": optional(nullable(icon))})(value, where)


def data_source_update(value: Any, where: str, version: str) -> None:
    closed({"parent": optional(variant({"database_id": uuid})),
            "properties": optional(mapping(property_change)),
            "title": optional(rich_text), "icon": optional(nullable(icon)),
            **_trash(version)})(value, where)


def upload_create(value: Any, where: str, version: str) -> None:
    closed({"mode": optional(const("single_part", "multi_part",
                                   "external_url")),
            "filename": optional(text(1, 900)),
            "content_type": optional(short),
            "number_of_parts": optional(integer(1, 10000)),
            "external_url": optional(file_address)})(value, where)
    needed = {"multi_part": ("filename", "number_of_parts"),
              "external_url": ("filename", "external_url")}
    for key in needed.get(value.get("mode", ""), ()):
        if key not in value:
            refuse(f"{where}.{key}", "defined", UNDEFINED)


def comment_create(value: Any, where: str, version: str) -> None:
    keys = {"rich_text": optional(rich_text), "markdown": optional(any_text),
            "attachments": optional(array(closed({
                "file_upload_id": uuid,
                "type": optional(const("file_upload"))}), 0, 3)),
            "display_name": optional(mapping(anything))}
    target = variant({"page_id": uuid, "block_id": uuid})
    if isinstance(value, dict) and "discussion_id" in value:
        closed({**keys, "discussion_id": uuid})(value, where)
    else:
        closed({**keys, "parent": target})(value, where)
    if "rich_text" not in value and "markdown" not in value:
        refuse(where + ".rich_text", "defined", UNDEFINED)


def _versionless(check: Check) -> Any:
    return lambda value, where, version: check(value, where)


# --- routes -------------------------------------------------------------------

@dataclass(frozen=True)
class Route:
    """One endpoint.  A pattern's "{…_id}" takes a UUID, "{…}" anything."""

    method: str
    pattern: str
    handler: str
    body: Any = None  # check of (body, where, version); None: none expected
    query: tuple[str, ...] = ()


_LIST = ("page_size", "start_cursor")

ROUTES = [
    Route("GET", "users/me", "me"),
    Route("GET", "users", "users", query=_LIST),
    Route("GET", "users/{user_id}", "user"),
    Route("POST", "search", "search", _versionless(search_body)),
    Route("POST", "databases", "database_create", database_create),
    Route("GET", "databases/{database_id}", "database_get"),
    Route("PATCH", "databases/{database_id}", "database_update",
          database_update),
    Route("POST", "data_sources", "data_source_create", data_source_create),
    Route("GET", "data_sources/{data_source_id}", "data_source_get"),
    Route("PATCH", "data_sources/{data_source_id}", "data_source_update",
          data_source_update),
    Route("POST", "data_sources/{data_source_id}/query", "query",
          _versionless(query_body),
          ("filter_properties", "filter_properties[]")),
    Route("POST", "pages", "page_create", page_create),
    Route("GET", "pages/{page_id}", "page_get",
          query=("filter_properties", "filter_properties[]")),
    Route("PATCH", "pages/{page_id}", "page_update", page_update),
    Route("GET", "pages/{page_id}/properties/{property}", "page_property",
          query=_LIST),
    Route("GET", "blocks/{block_id}", "block_get"),
    Route("PATCH", "blocks/{block_id}", "block_update", _block_update),
    Route("DELETE", "blocks/{block_id}", "block_delete"),
    Route("GET", "blocks/{block_id}/children", "children_get", query=_LIST),
    Route("PATCH", "blocks/{block_id}/children", "children_append", append),
    Route("POST", "file_uploads", "upload_create", upload_create),
    Route("GET", "file_uploads", "uploads_get", query=_LIST + ("status",)),
    Route("GET", "file_uploads/{file_upload_id}", "upload_get"),
    Route("POST", "file_uploads/{file_upload_id}/send", "upload_send"),
    Route("POST", "file_uploads/{file_upload_id}/complete", "upload_complete"),
    Route("POST", "comments", "comment_create", comment_create),
    Route("GET", "comments", "comments", query=_LIST + ("block_id",)),
    Route("GET", "comments/{comment_id}", "comment_get"),
]


def find_route(method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """The endpoint of a path, and the variable pieces of the path."""
    pieces = path.split("/")[1:]
    if not pieces or pieces[0] != "v1":
        return None
    for route in ROUTES:
        wanted = route.pattern.split("/")
        if route.method != method or len(wanted) != len(pieces) - 1:
            continue
        found = {want.strip("{}"): unquote(piece)
                 for want, piece in zip(wanted, pieces[1:])
                 if want.startswith("{")}
        if all(want.startswith("{") or want == piece
               for want, piece in zip(wanted, pieces[1:])):
            return route, found
    return None


def check_version(headers: Mapping[str, str]) -> str:
    version = headers.get("Notion-Version")
    name = "Notion-Version header failed validation: Notion-Version header"
    if not version:
        raise Error(400, "missing_version",
                    f"{name} should be defined, instead was `undefined`.")
    if version not in VERSIONS:
        wanted = " or ".join(f"`\"{v}\"`" for v in VERSIONS)
        raise Error(400, "validation_error",
                    f"{name} should be {wanted}, instead was `\"{version}\"`.")
    return version


def check_path(found: dict[str, str]) -> None:
    for name, value in found.items():
        if name.endswith("_id"):
            _checked("path", uuid, value, f"path.{name}")


def check_query(route: Route, query: dict[str, list[str]]) -> None:
    for name, values in query.items():
        where = f"query.{name}"
        if name not in route.query:
            _fail("query", f"{where} should be not present, instead was "
                           f"`{shown(values[0])}`.")
        if name == "page_size":
            size = int(values[0]) if values[0].isdigit() else values[0]
            _checked("query", integer(1, 100), size, where)
        if name == "block_id":
            _checked("query", uuid, values[0], where)


def parse_body(raw: bytes) -> Any:
    """The JSON of a body; lone surrogates are not text."""
    if len(raw) > BODY_BYTES:
        _fail("body", f"body.length should be ≤ `{BODY_BYTES}` bytes, "
                      f"instead was `{len(raw)}`.")
    try:
        body = json.loads(raw or b"{}", parse_constant=_no_constant)
        json.dumps(body, ensure_ascii=False).encode()
        return body
    except (ValueError, RecursionError):
        raise Error(400, "invalid_json", "Error parsing JSON body.") from None


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _checked(part: str, check: Check, value: Any, where: str) -> None:
    try:
        check(value, where)
    except Invalid as error:
        _fail(part, str(error))


def _fail(part: str, message: str) -> None:
    between = ". " if message.startswith("Fix one:") else ": "
    raise Error(400, "validation_error",
                f"{part} failed validation{between}{message}")


def validate(method: str, target: str, headers: Mapping[str, str],
             body: Any) -> Error | None:
    """All that can be said of a request without knowing the workspace."""
    try:
        version = check_version(headers)
        parts = urlsplit(target)
        found = find_route(method, parts.path)
        if found is None:
            raise Error(400, "invalid_request_url", "Invalid request URL.")
        route, pieces = found
        check_path(pieces)
        check_query(route, parse_qs(parts.query, keep_blank_values=True))
        if route.body:
            _checked("body", lambda value, where: route.body(
                value, where, version), {} if body is None else body, "body")
    except Error as error:
        return error
    return None
