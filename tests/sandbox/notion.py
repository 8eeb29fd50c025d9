"""Notion's REST API over a workspace in memory.

The order of checks is token, rate, version, path, body, and then what depends
on the workspace.  Everything runs under one lock.
"""

from __future__ import annotations

import base64
import json
import secrets
import threading
import time
import uuid
from datetime import datetime, timezone
from typing import Any, Callable

import notion_query as query
import notion_requests as requests
import notion_schema as schema
import notion_store as store
import notion_values as values
from http_service import Request, Response, Service
from limits import FixedWindow
from media import Media
from notion_requests import Error
from notion_store import (BOT, PERSON, Block, Database, DataSource, Node, Page,
                          Workspace, not_found)
from notion_uploads import Uploads
from notion_values import Json, Property, refused

CODES = {400: "validation_error", 401: "unauthorized",
         403: "restricted_resource", 404: "object_not_found",
         409: "conflict_error", 429: "rate_limited",
         500: "internal_server_error", 502: "bad_gateway",
         503: "service_unavailable", 504: "gateway_timeout",
         529: "service_overload"}
QUERY_ROWS = 10_000
_PAGED = ("title", "rich_text", "relation", "people")
_CONTENT = (Page, Block, Database)


class Notion(Service):
    """The service; one method a route, named as in notion_requests.ROUTES."""

    name = "notion"
    compresses = True

    def __init__(self, media: Media) -> None:
        self.token = "ntn_sandbox" + secrets.token_hex(8)
        self.root_id = str(uuid.uuid4())
        self.base = ""  # known once the port is
        self.limit = FixedWindow(180, 60)
        self.lock = threading.RLock()
        self.lag, self.lag_spread = 0.0, False
        self.media = media
        self.reset()

    def reset(self) -> None:
        """An empty workspace but for the one page that is shared."""
        with self.lock:
            self.uploads = Uploads(self.media)
            self.workspace = Workspace(self.uploads.attached, self.root_id)
            self.comments_made: list[Json] = []

    # --- the way of a request ---

    def handle(self, request: Request) -> Response:
        try:
            body = self._admit(request)
            route, pieces = self._route(request)
            with self.lock:
                answer = getattr(self, route.handler)(
                    *pieces.values(), **self._arguments(route, request, body))
            return self._response(Response(200, answer))
        except Error as error:
            return self._refusal(error)

    def _admit(self, request: Request) -> Any:
        """Token, rate, then everything that the shape of a request tells."""
        given = request.header("Authorization") or ""
        if given != "Bearer " + self.token:
            raise Error(401, "unauthorized", "API token is invalid.")
        wait = self.limit.take(given)
        if wait:
            raise Error(
                429, "rate_limited",
                "You have been rate limited. Please try again later.",
                {"rate_limit_reason": "public_api_request_rate_limit",
                 "retry_after": str(wait)})
        requests.check_version(request.headers)
        body = None
        if request.raw and not request.path.endswith(("/send", "/complete")):
            mime = request.header("Content-Type") or ""
            if not mime.startswith("application/json"):
                raise Error(400, "invalid_json", "Error parsing JSON body.")
            body = requests.parse_body(request.raw)
        error = requests.validate(request.method, request.target,
                                request.headers, body)
        if error:
            raise error
        return body

    @staticmethod
    def _route(request: Request) -> tuple[requests.Route, dict[str, str]]:
        found = requests.find_route(request.method, request.path)
        assert found is not None  # validated
        return found

    @staticmethod
    def _arguments(route: requests.Route, request: Request, body: Any) -> Json:
        """What a handler gets beside the pieces of the path."""
        arguments: Json = {}
        if route.body:
            arguments["body"] = {} if body is None else body
        if route.query:
            arguments["params"] = request.query
        if route.handler == "upload_send":
            arguments["request"] = request
        return arguments

    @staticmethod
    def _response(response: Response) -> Response:
        identifier = str(uuid.uuid4())
        response.body = {**response.body, "request_id": identifier}
        response.headers["x-notion-request-id"] = identifier
        return response

    def _refusal(self, error: Error) -> Response:
        body = {"object": "error", "status": error.status, "code": error.code,
                "message": error.message}
        if error.additional_data:
            body["additional_data"] = error.additional_data
        response = Response(error.status, body)
        wait = (error.additional_data or {}).get("retry_after")
        if wait:
            response.headers["Retry-After"] = wait
        return self._response(response)

    def error_body(self, status: int) -> Json:
        return {"object": "error", "status": status,
                "code": CODES.get(status, "internal_server_error"),
                "message": "A fault ordered by a test.",
                "request_id": str(uuid.uuid4())}

    def committed(self, request: Request, response: Response) -> Response:
        data: Json = {"retry_guidance": [
            "Read the object again to confirm the saved change.",
            "Do not repeat the write."]}
        if response.body.get("object") == "list":
            data["committed_resource_id"] = values.dashed(request.segments()[2])
            data["committed_child_ids"] = [
                one["id"] for one in response.body["results"]]
        else:
            data["committed_resource_id"] = response.body.get("id")
        body = {**self.error_body(503), "additional_data": data,
                "message": "The change was saved, but not answered in time."}
        return Response(503, body)

    # --- look-ups ---

    def page_by_id(self, identifier: str) -> Page:
        return self.workspace.get(identifier, (Page,), "page")

    def _data_source(self, identifier: str) -> DataSource:
        return self.workspace.get(identifier, (DataSource,), "data_source")

    def _content(self, identifier: str) -> Any:
        """Anything that has a place in the content of a page."""
        return self.workspace.get(identifier, _CONTENT, "block")

    # --- lists ---

    @staticmethod
    def _sized(params: dict[str, list[str]]) -> Json:
        """Paging parameters of a query string, as those of a body."""
        paging: Json = {}
        if "page_size" in params:
            paging["page_size"] = int(params["page_size"][0])
        if "start_cursor" in params:
            paging["start_cursor"] = params["start_cursor"][0]
        return paging

    @staticmethod
    def _list(kind: str, items: list[Any], paging: Json,
              shown: Callable[[Any], Json], most: int | None = None) -> Json:
        """One page of a list.  Cursors are opaque: they only look random."""
        start = 0
        if "start_cursor" in paging:
            start = _opened_cursor(paging["start_cursor"])
        end = start + paging.get("page_size", 100)
        limit = len(items) if most is None else min(most, len(items))
        answer = {"object": "list",
                  "results": [shown(one)
                              for one in items[start:min(end, limit)]],
                  "has_more": end < limit,
                  "next_cursor": _cursor(end) if end < limit else None,
                  "type": kind, kind: {}}
        if most is not None and end >= limit and len(items) > most:
            answer["request_status"] = {
                "type": "incomplete",
                "incomplete_reason": "query_result_limit_reached"}
        return answer

    # --- users, search ---

    def me(self) -> Json:
        return {**BOT, "name": "Sandbox connection", "avatar_url": None,
                "type": "bot", "bot": {
                    "owner": {"type": "workspace", "workspace": True},
                    "workspace_name": "Sandbox",
                    "workspace_id": self.workspace.root.id,
                    "workspace_limits": {"max_file_upload_size_in_bytes":
                                         self.uploads.largest}}}

    def user(self, identifier: str) -> Json:
        identifier = values.dashed(identifier)
        if identifier == BOT["id"]:
            return self.me()
        if identifier == PERSON["id"]:
            return {**PERSON, "name": "Sam Rivera", "avatar_url": None,
                    "type": "person", "person": {"email": "sam@example.com"}}
        raise not_found("user", identifier)

    def users(self, params: Json) -> Json:
        return self._list("user", [BOT, PERSON], self._sized(params),
                          lambda one: self.user(one["id"]))

    def search(self, body: Json) -> Json:
        kinds = {"page": Page, "data_source": DataSource}
        wanted = tuple(kinds.values())
        if "filter" in body:
            wanted = (kinds[body["filter"]["value"]],)  # type: ignore
        words = body.get("query", "").casefold()
        found = [node for node in self.workspace.nodes.values()
                 if isinstance(node, wanted) and node.is_shared()
                 and not node.in_trash and words in _title(node).casefold()]
        found.sort(key=lambda node: node.edited, reverse=body.get(
            "sort", {}).get("direction") != "ascending")
        return self._list("page_or_data_source", found, body,
                          lambda one: one.shown())

    # --- databases and data sources ---

    def database_create(self, body: Json) -> Json:
        if "page_id" not in body["parent"]:
            raise refused("Internal connections cannot create at the level "
                          "of the workspace: give a page as parent.")
        parent = self.page_by_id(body["parent"]["page_id"])
        parent.check_editable()
        made = self.add_database(parent, body, body.get(
            "initial_data_source", {}).get("properties"))
        return made.shown()

    def add_database(self, parent: Page, body: Json,
                     properties: Json | None) -> Database:
        """A database with its first data source."""
        title = values.rich_text(body.get("title", []))
        database = Database(parent, title)
        self._decorate(database, body)
        source = DataSource(database, title)
        self._add_properties(source, properties or {"Name": {"title": {}}})
        self.workspace.add(database)
        self.workspace.add(source)
        return database

    def database_get(self, identifier: str) -> Json:
        return self.workspace.get(identifier, (Database,), "database").shown()

    def database_update(self, identifier: str, body: Json) -> Json:
        database = self.workspace.get(identifier, (Database,), "database")
        self._check_change(database, body)
        if "page_id" in body.get("parent", {}):
            _move(database, self.page_by_id(body["parent"]["page_id"]))
        self._decorate(database, body)
        return database.shown()

    def _decorate(self, node: Any, body: Json) -> None:
        """The keys that containers and pages have in common."""
        for key in ("title", "description"):
            if key in body:
                setattr(node, key, values.rich_text(body[key]))
        for key in ("icon", "cover"):
            if key in body:
                setattr(node, key, values.kept_icon(body[key],
                                                    self.uploads.attached))
        for key in ("is_inline", "is_locked", "is_archived"):
            if key in body:
                setattr(node, key, body[key])
        node.touch()

    @staticmethod
    def _check_change(node: Node, body: Json) -> None:
        """To and from the trash always; all else needs a node outside it."""
        trash = body.get("in_trash", body.get("archived"))
        if trash is not None:
            node.set_trash(trash)
        if trash is None or not trash and len(body) > 1:
            node.check_editable()

    def data_source_create(self, body: Json) -> Json:
        database = self.workspace.get(body["parent"]["database_id"],
                                      (Database,), "database")
        database.check_editable()
        source = DataSource(database, [])
        self._decorate(source, body)
        self._add_properties(source, body["properties"])
        return self.workspace.add(source).shown()

    def data_source_get(self, identifier: str) -> Json:
        return self._data_source(identifier).shown()

    def data_source_update(self, identifier: str, body: Json) -> Json:
        source = self._data_source(identifier)
        self._check_change(source, body)
        if "parent" in body:
            _move(source, self.workspace.get(body["parent"]["database_id"],
                                             (Database,), "database"))
        for key, wanted in body.get("properties", {}).items():
            self._change_property(source, key, wanted)
        self._decorate(source, {key: one for key, one in body.items()
                                if key in ("title", "icon")})
        return source.shown()

    def _add_properties(self, source: DataSource, wanted: Json) -> None:
        for name, config in wanted.items():
            self._add_property(source, name, config)

    def _add_property(self, source: DataSource, name: str,
                      config: Json) -> None:
        if "title" in config and source.find("title"):
            raise refused("Cannot create new title property.")
        made = values.new_property(name, config)
        source.properties.append(made)
        if made.type == "relation":
            other = self._data_source(made.config["data_source_id"])
            self._mirror(source, made, other)

    @staticmethod
    def _mirror(source: DataSource, made: Property, other: DataSource) -> None:
        """The other side of a relation that has two."""
        if made.config["type"] != "dual_property":
            return
        name = made.config["dual_property"].get(
            "synced_property_name", f"Related to {values.plain(source.title)}")
        back = Property(name, "relation", {
            "data_source_id": source.id, "type": "dual_property",
            "dual_property": {"synced_property_id": made.public_id,
                              "synced_property_name": made.name}})
        other.properties.append(back)
        made.config["dual_property"] = {"synced_property_id": back.public_id,
                                        "synced_property_name": back.name}

    def _change_property(self, source: DataSource, key: str,
                         wanted: Json | None) -> None:
        prop = source.find(key)
        kind = next((k for k in wanted or {} if k in schema.CONFIGS), None)
        if prop is None:
            if wanted is None or kind is None:
                raise refused(f"{key} is not a property that exists.")
            self._add_property(source, key, wanted)
            return
        if wanted is None:
            if prop.type == "title":
                raise refused("Cannot delete title property.")
            source.properties.remove(prop)
            return
        name = wanted.get("name", prop.name)
        if source.find(name) not in (None, prop):
            raise refused(f"A property named {name} exists already.")
        prop.name = name
        if kind:
            _retype(prop, kind, wanted[kind])

    def query(self, identifier: str, body: Json, params: Json) -> Json:
        source = self._data_source(identifier)

        def find(key: str) -> Property:
            prop = source.find(key)
            if prop is None:
                raise refused(f"Could not find property with name or id: {key}")
            return prop

        _known_properties(source.properties, params)
        now = time.monotonic()
        rows = [row for row in source.children
                if isinstance(row, Page) and now >= row.born + self._lag_of(row)
                and row.is_archived == body.get("is_archived", False)]
        # Even without rows a filter has to fit the schema.
        blank = Page(source)
        query.matches(body.get("filter"), blank, find)
        rows = [row for row in rows
                if query.matches(body.get("filter"), row, find)]
        rows = query.ordered(rows, body.get("sorts", []), find)
        only = _filter_properties(params)
        return self._list("page_or_data_source", rows, body,
                          lambda row: row.shown(only), QUERY_ROWS)

    def _lag_of(self, row: Page) -> float:
        """For how long queries do not see it."""
        if not self.lag_spread:
            return self.lag
        return self.lag * int(row.id[:8], 16) / 0xffffffff

    # --- pages ---

    def page_create(self, body: Json) -> Json:
        page = Page(self._parent_of_page(body["parent"]))
        assert page.parent is not None
        page.parent.check_editable()
        self._set_values(page, body.get("properties", {}))
        self._number(page)
        blocks = body.get("children") or body.get("content") or _paragraphs(
            body.get("markdown"))
        self.workspace.check_blocks(page, blocks)
        self._decorate(page, {key: body[key] for key in ("icon", "cover")
                              if key in body})
        self.workspace.add(page)
        self.workspace.add_blocks(page, blocks)
        return page.shown()

    def _parent_of_page(self, parent: Json) -> Node:
        if "page_id" in parent:
            return self.page_by_id(parent["page_id"])
        if "data_source_id" in parent:
            return self._data_source(parent["data_source_id"])
        if "workspace" in parent:
            raise refused("Internal connections cannot create at the level "
                          "of the workspace: give a page as parent.")
        database = self.workspace.get(parent["database_id"], (Database,),
                                      "database")
        if len(database.children) > 1:
            raise Error(400, "validation_error", "Databases with multiple data "
                        "sources are not supported in this request.", {
                            "error_type":
                                "multiple_data_sources_for_database",
                            "child_data_source_ids":
                                [one.id for one in database.children]})
        return database.children[0]

    def _set_values(self, page: Page, wanted: Json) -> None:
        """Set properties: all of them, or none where one is refused."""
        accepted = {}
        for name, value in wanted.items():
            prop = next((one for one in page.schema()
                         if one.answers_to(name)), None)
            if prop is None:
                raise refused(f"{name} is not a property that exists.")
            kept = values.accept(prop, name, value, self.uploads.attached)
            if prop.type == "relation":
                for one in kept:
                    self.page_by_id(one["id"])
            accepted[prop.id] = kept
        page.set_values.update(accepted)

    @staticmethod
    def _number(page: Page) -> None:
        for prop in page.schema():
            if prop.type == "unique_id":
                prop.counter += 1
                page.set_values[prop.id] = prop.counter

    def page_get(self, identifier: str, params: Json) -> Json:
        page = self.page_by_id(identifier)
        _known_properties(page.schema(), params)
        return page.shown(_filter_properties(params))

    def page_update(self, identifier: str, body: Json) -> Json:
        page = self.page_by_id(identifier)
        self._check_change(page, body)
        self._set_values(page, body.get("properties", {}))
        if body.get("erase_content"):
            for child in list(page.children):
                child.set_trash(True)
        self._decorate(page, body)
        return page.shown()

    def page_property(self, identifier: str, key: str, params: Json) -> Json:
        page = self.page_by_id(identifier)
        prop = next((one for one in page.schema() if key == one.id), None)
        if prop is None:
            raise not_found("property", key)
        if prop.type not in _PAGED:
            return {"object": "property_item",
                    **values.shown_value(prop, page.value(prop), True)}
        base = {"id": prop.public_id, "type": prop.type}
        answer = self._list(
            "property_item", page.value(prop), self._sized(params),
            lambda one: {"object": "property_item", **base, prop.type: one})
        answer["property_item"] = {**base, "next_url": None, prop.type: {}}
        return answer

    # --- blocks ---

    def block_get(self, identifier: str) -> Json:
        return self._content(identifier).block_shown()

    def block_update(self, identifier: str, body: Json) -> Json:
        block = self._content(identifier)
        self._check_change(block, body)
        kind = schema.kind_of(body)
        if kind is None:
            return block.block_shown()
        if not isinstance(block, Block) or block.type != kind:
            raise refused(f"body.{kind} should be not present: the type of a "
                          "block cannot change.")
        change = {key: one for key, one in body[kind].items()
                  if key != "children"}
        if kind == "table_row":
            store.check_cells(block.parent, change["cells"])
        block.content = {**block.content, **store.kept_content(
            kind, change, self.uploads.attached, defaults=False)}
        block.touch()
        return block.block_shown()

    def block_delete(self, identifier: str) -> Json:
        block = self._content(identifier)
        block.check_editable()
        block.set_trash(True)
        return block.block_shown()

    def children_get(self, identifier: str, params: Json) -> Json:
        parent = self._content(identifier)
        return self._list("block", parent.children, self._sized(params),
                          lambda one: one.block_shown())

    def children_append(self, identifier: str, body: Json) -> Json:
        parent = self.workspace.get(identifier, (Page, Block), "block")
        parent.check_editable()
        place = _place(parent, body)
        made = self.workspace.add_blocks(parent, body["children"], place)
        return self._list("block", made, {}, lambda one: one.block_shown())

    # --- file uploads ---

    def upload_create(self, body: Json) -> Json:
        return self.uploads.create(body).shown(self.base)

    def upload_get(self, identifier: str) -> Json:
        return self.uploads.get(identifier).shown(self.base)

    def upload_send(self, identifier: str, request: Request) -> Json:
        return self.uploads.send(identifier, request).shown(self.base)

    def upload_complete(self, identifier: str) -> Json:
        return self.uploads.complete(identifier).shown(self.base)

    def uploads_get(self, params: Json) -> Json:
        wanted = params.get("status", [None])[0]
        found = [one for one in self.uploads.all.values()
                 if wanted in (None, one.status)]
        return self._list("file_upload", found, self._sized(params),
                          lambda one: one.shown(self.base))

    # --- comments ---

    def comment_create(self, body: Json) -> Json:
        parent: Json = body.get("parent", {})
        discussion = body.get("discussion_id")
        if discussion:
            earlier = [one for one in self.comments_made
                       if one["discussion_id"] == values.dashed(discussion)]
            if not earlier:
                raise not_found("discussion", discussion)
            where = earlier[0]["parent"]
        else:
            key = next(key for key in parent if key != "type")
            node = self._content(parent[key])
            node.check_editable()
            where = {"type": key, key: node.id}
        words = body.get("rich_text") or [
            {"text": {"content": body.get("markdown", "")}}]
        now = values.minute(datetime.now(timezone.utc))
        made = {"object": "comment", "id": str(uuid.uuid4()), "parent": where,
                "discussion_id": (values.dashed(discussion) if discussion
                                  else str(uuid.uuid4())),
                "created_time": now, "last_edited_time": now,
                "created_by": BOT, "rich_text": values.rich_text(words)}
        self.comments_made.append(made)
        return made

    def comment_get(self, identifier: str) -> Json:
        for one in self.comments_made:
            if one["id"] == values.dashed(identifier):
                return one
        raise not_found("comment", identifier)

    def comments(self, params: Json) -> Json:
        if "block_id" not in params:
            raise refused("query failed validation: query.block_id should be "
                          "defined, instead was `undefined`.")
        node = self._content(params["block_id"][0])
        found = [one for one in self.comments_made
                 if node.id in one["parent"].values()]
        return self._list("comment", found, self._sized(params),
                          lambda one: one)


# --- helpers ------------------------------------------------------------------

def _title(node: Node) -> str:
    if isinstance(node, Page):
        return node.title()
    return values.plain(node.title) if isinstance(node, DataSource) else ""


def _move(node: Node, target: Node) -> None:
    if node.parent:
        node.parent.children.remove(node)
    node.parent = target
    target.children.append(node)


def _retype(prop: Property, kind: str, config: Json) -> None:
    """Change a type or a configuration."""
    if "title" in (prop.type, kind) and prop.type != kind:
        raise refused("The type of the title property cannot change.")
    options = prop.config.get("options", []) if prop.type == kind else []
    made = values.new_config(kind, config, options)
    if len(made.get("options", [])) > values.OPTIONS:
        return  # seen from the real API: 200, and nothing has changed
    if prop.type != kind:
        # Kept values belong to the old type: a new id leaves them behind.
        prop.id = Property("", kind, {}).id
    prop.type, prop.config = kind, made


def _filter_properties(params: Json) -> list[str] | None:
    return (params.get("filter_properties")
            or params.get("filter_properties[]"))


def _known_properties(properties: list[Property], params: Json) -> None:
    for key in _filter_properties(params) or []:
        if not any(one.answers_to(key) for one in properties):
            raise refused(f"query failed validation: query.filter_properties: "
                          f"{key} is not a property that exists.")


def _place(parent: Node, body: Json) -> int | None:
    """Where in the parent's content new blocks go; None is the end."""
    position = body.get("position", {"type": "end"})
    if "after" in body:
        position = {"type": "after_block", "after_block": {"id": body["after"]}}
    if position["type"] == "start":
        return 0
    if position["type"] == "end":
        return None
    wanted = values.dashed(position["after_block"]["id"])
    for index, child in enumerate(parent.children):
        if child.id == wanted:
            return index + 1
    raise not_found("block", wanted)


def _paragraphs(markdown: str | None) -> list[Json]:
    """Markdown, as far as the sandbox goes: a paragraph a line."""
    return [{"paragraph": {"rich_text": [{"text": {"content": line}}]}}
            for line in (markdown or "").splitlines() if line]


def _cursor(offset: int) -> str:
    text = json.dumps({"offset": offset, "salt": secrets.token_hex(8)})
    return "s:" + base64.urlsafe_b64encode(text.encode()).decode()


def _opened_cursor(cursor: str) -> int:
    try:
        return json.loads(base64.urlsafe_b64decode(cursor[2:]))["offset"]
    except (ValueError, KeyError, TypeError):
        raise refused("The start_cursor provided is invalid: "
                      f"{cursor}") from None
