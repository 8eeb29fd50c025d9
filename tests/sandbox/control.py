"""The control port: what a test, or a person, does to the services.

Bodies and answers are JSON:

POST   /faults                    a Fault (faults.py) -> {"id"}
GET    /faults, DELETE /faults    list them, forget them
POST   /limits                    {"notion": {"limit", "window"}, "openphone": …}
POST   /lag                       {"seconds", "spread"}: younger rows escape
                                  queries; spread: each has a lag of its own,
                                  from 0 to that
GET    /stats                     {"counts", "violations"}
POST   /record                    {"on"}: whether requests are recorded
DELETE /record                    empty it
POST   /reset                     back to the beginning
PUT    /media/NAME                a file for the media host -> {"url"}
POST   /openphone/year            a generated history: Settings of year.py
POST   /openphone/forget-year     without it
GET    /openphone/KIND/ID         an object
POST   /openphone/deliveries      an entry of a webhook's log of deliveries
DELETE /openphone/KIND/ID         as a person: it is answered, and gone
DELETE /openphone/KIND            all of them
POST   /openphone/KIND            one object or a list; KIND: calls, messages,
                                  users, numbers, contacts, conversations,
                                  recordings, voicemails, summaries, transcripts
GET    /notion/pages[/ID]         pages with properties and all their blocks
DELETE /notion/pages              all rows of all databases, without a trace
GET    /notion/values/NAME        {text: how many pages} of a text column
POST   /notion/pages/ID/trash     as a person: to the trash or back
POST   /notion/pages/ID/blocks    as a person: append blocks
POST   /notion/databases          as a person: create a database
POST   /notion/share              share something with the connection, or not
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

import notion_values as values
from faults import Faults
from http_service import Request, Response, Service, Stats
from limits import FixedWindow
from media import Media
from notion import Notion
from notion_requests import Error
from notion_schema import children, new_schema
from notion_store import PERSON, DataSource, Page, tree
from openphone import OpenPhone
from record import Record
from shapes import Invalid
from year import Settings, Year

Json = dict[str, Any]


class Control(Service):
    """Routes to the methods below, named in ROUTES."""

    name = "control"
    ROUTES = (
        ("POST", r"/faults", "fault"),
        ("GET", r"/faults", "fault_list"),
        ("DELETE", r"/faults", "fault_clear"),
        ("POST", r"/limits", "limits"),
        ("POST", r"/lag", "lag"),
        ("GET", r"/stats", "statistics"),
        ("DELETE", r"/record", "record_empty"),
        ("POST", r"/reset", "reset"),
        ("PUT", r"/media/(.+)", "media_put"),
        ("POST", r"/record", "recording"),
        ("POST", r"/openphone/year", "openphone_year"),
        ("POST", r"/openphone/forget-year", "openphone_forget"),
        ("GET", r"/openphone/(\w+)/([^/]+)", "openphone_get"),
        ("DELETE", r"/openphone/(\w+)/([^/]+)", "openphone_delete"),
        ("DELETE", r"/openphone/(\w+)", "openphone_delete_all"),
        ("POST", r"/openphone/deliveries", "openphone_delivery"),
        ("POST", r"/openphone/(\w+)", "openphone_put"),
        ("GET", r"/notion/pages", "pages"),
        ("DELETE", r"/notion/pages", "rows_drop"),
        ("GET", r"/notion/pages/([^/]+)", "page"),
        ("GET", r"/notion/values/([^/]+)", "column"),
        ("POST", r"/notion/pages/([^/]+)/trash", "page_trash"),
        ("POST", r"/notion/pages/([^/]+)/blocks", "page_blocks"),
        ("POST", r"/notion/databases", "database"),
        ("POST", r"/notion/share", "share"),
    )

    def __init__(self, notion: Notion, openphone: OpenPhone, media: Media,
                 faults: Faults, record: Record, stats: Stats) -> None:
        self.notion = notion
        self.openphone = openphone
        self.media = media
        self.faults = faults
        self.record = record
        self.stats = stats

    def handle(self, request: Request) -> Response:
        for method, pattern, handler in self.ROUTES:
            found = re.fullmatch(pattern, "/" + "/".join(request.segments()))
            if not found or method != request.method:
                continue
            try:
                with self.notion.lock:
                    return Response(200, getattr(self, handler)(
                        request, *found.groups()))
            except Error as error:
                return Response(error.status, {"error": error.message})
            except (ValueError, TypeError, KeyError, Invalid) as error:
                return Response(400, {"error": f"{error!r}"})
        return Response(404, {"error": "no such command"})

    @staticmethod
    def _body(request: Request) -> Any:
        return json.loads(request.raw or b"{}")

    # --- faults, limits, record ---

    def fault(self, request: Request) -> Json:
        return {"id": self.faults.add(self._body(request))}

    def fault_list(self, request: Request) -> list[Json]:
        return self.faults.listing()

    def fault_clear(self, request: Request) -> Json:
        self.faults.clear()
        return {}

    def limits(self, request: Request) -> Json:
        """Rates by service; of Notion also the largest upload."""
        windows: dict[str, FixedWindow] = {"notion": self.notion.limit,
                                           "openphone": self.openphone.limit}
        for service, wanted in self._body(request).items():
            window = windows[service]
            window.set(wanted.get("limit", window.limit),
                       wanted.get("window", window.window))
            if "max_file_upload_size_in_bytes" in wanted:
                self.notion.uploads.largest = wanted[
                    "max_file_upload_size_in_bytes"]
        return {name: {"limit": one.limit, "window": one.window}
                for name, one in windows.items()}

    def lag(self, request: Request) -> Json:
        body = self._body(request)
        self.notion.lag = float(body["seconds"])
        self.notion.lag_spread = bool(body.get("spread", False))
        return {}

    def statistics(self, request: Request) -> Json:
        return self.stats.report()

    def recording(self, request: Request) -> Json:
        """A year's requests fill a disk."""
        self.record.on = bool(self._body(request)["on"])
        return {}

    def record_empty(self, request: Request) -> Json:
        self.record.truncate()
        return {}

    def reset(self, request: Request) -> Json:
        """Back to the beginning; ports, keys and the shared page stay."""
        self.faults.clear()
        self.notion.lag, self.notion.lag_spread = 0.0, False
        self.notion.limit.set(180, 60)
        self.openphone.limit.set(10, 1)
        self.media.clear()
        self.notion.reset()
        self.openphone.world.reset()
        self.openphone.webhooks.reset()
        self.record.truncate()
        self.record.on = True
        self.stats.reset()
        return {}

    # --- media, OpenPhone ---

    def media_put(self, request: Request, name: str) -> Json:
        kind = request.header("Content-Type") or "application/octet-stream"
        self.media.put(name, request.raw, kind)
        return {"url": self.media.url_of(name)}

    def openphone_put(self, request: Request, kind: str) -> list[Json]:
        body = self._body(request)
        return [dict(self.openphone.world.add(kind, one))
                for one in (body if isinstance(body, list) else [body])]

    def openphone_year(self, request: Request) -> Json:
        self.openphone.world.add_year(Year(Settings(**self._body(request))))
        return {}

    def openphone_forget(self, request: Request) -> Json:
        self.openphone.world.year = None
        return {}

    def openphone_get(self, request: Request, kind: str,
                      identifier: str) -> Json | None:
        return self.openphone.world.get(kind, identifier)

    def openphone_delivery(self, request: Request) -> Json:
        return self.openphone.webhooks.log(**self._body(request))

    def openphone_delete(self, request: Request, kind: str,
                         identifier: str) -> Json:
        return self.openphone.world.remove(kind, identifier)

    def openphone_delete_all(self, request: Request, kind: str) -> Json:
        self.openphone.world.clear(kind)
        return {}

    # --- Notion, as a person sees and does it ---

    def _shown(self, page: Page) -> Json:
        shown = page.shown()
        source = page.parent if isinstance(page.parent, DataSource) else None
        return {**{key: shown[key] for key in (
                    "id", "url", "icon", "cover", "properties", "in_trash")},
                "data_source_id": source.id if source else None,
                "created_time": page.created.isoformat(),
                "last_edited_time": page.edited.isoformat(),
                "title": page.title(), "children": tree(page)}

    def pages(self, request: Request) -> list[Json]:
        """All pages but the shared one, oldest first."""
        root = self.notion.workspace.root
        return [self._shown(page) for page in self.notion.workspace.all(Page)
                if page is not root]

    def rows_drop(self, request: Request) -> Json:
        self.notion.workspace.drop_rows()
        return {}

    def column(self, request: Request, name: str) -> dict[str, int]:
        """What stands in a column of all databases, on pages that are not in
        the trash."""
        found: Counter[str] = Counter()
        for page in self.notion.workspace.all(Page):
            if page.in_trash:
                continue
            for prop in page.schema():
                if prop.name == name:
                    found[values.plain(page.value(prop))] += 1
        return found

    def page(self, request: Request, identifier: str) -> Json:
        return self._shown(self.notion.page_by_id(identifier))

    def page_trash(self, request: Request, identifier: str) -> Json:
        """To the trash, or back with {"in_trash": false}."""
        self.notion.page_by_id(identifier).set_trash(
            self._body(request).get("in_trash", True))
        return {}

    def page_blocks(self, request: Request, identifier: str) -> Json:
        """Append one block, a list of them, or {"children": [...]}."""
        body = self._body(request)
        if isinstance(body, dict):
            body = body.get("children", [body])
        children(body, "body")
        page = self.notion.page_by_id(identifier)
        made = self.notion.workspace.add_blocks(page, body)
        for block in made:
            block.creator = PERSON
        return {"ids": [one.id for one in made]}

    def database(self, request: Request) -> Json:
        """{"title", "properties", "parent" (a page's id), "shared"}."""
        body = self._body(request)
        new_schema(body["properties"], "body.properties")
        parent = self.notion.page_by_id(body.get("parent", self.notion.root_id))
        made = self.notion.add_database(
            parent, {"title": [{"text": {"content": body.get("title", "")}}]},
            body["properties"])
        made.shared = body.get("shared", True)
        return {"database_id": made.id, "data_source_id": made.children[0].id,
                "url": made.url()}

    def share(self, request: Request) -> Json:
        """{"id", "shared"}: share something with the connection, or not."""
        body = self._body(request)
        node = self.notion.workspace.nodes[values.dashed(body["id"])]
        node.shared = body["shared"]
        return {}
