"""A Notion workspace in memory: pages, blocks, databases, data sources.

Everything is a Node in one tree; the workspace itself is the root's parent
None.  Nodes know how responses show them.
"""

from __future__ import annotations

import time
import uuid
from datetime import datetime, timezone
from typing import Any, Iterator

import notion_values as values
from notion_requests import Error
from notion_schema import HEADINGS, PARENTS, kind_of
from notion_values import FileUrl, Json, Property, dashed, refused

BOT = {"object": "user", "id": str(uuid.uuid4())}
PERSON = {"object": "user", "id": str(uuid.uuid4())}
_ARCHIVED = ("Can't edit block that is archived. You must unarchive the block "
             "before editing.")
_ANCESTOR = ("Can't edit page on block with an archived ancestor. You must "
             "unarchive the ancestor before editing.")


def not_found(what: str, identifier: str) -> Error:
    return Error(404, "object_not_found",
                 f"Could not find {what} with ID: {identifier}. Make sure the "
                 "relevant pages and databases are shared with your "
                 "integration.")


class Node:
    """Anything with an id and a place in the tree."""

    kind = "node"

    def __init__(self, parent: Node | None) -> None:
        self.id = str(uuid.uuid4())
        self.parent = parent
        self.children: list[Node] = []  # in order, without what is in the trash
        self.created = self.edited = datetime.now(timezone.utc)
        self.born = time.monotonic()
        self.creator = BOT
        self.in_trash = False
        self.shared = True

    def ancestors(self) -> Iterator[Node]:
        node = self.parent
        while node is not None:
            yield node
            node = node.parent

    def is_shared(self) -> bool:
        return self.shared and all(node.shared for node in self.ancestors())

    def check_editable(self) -> None:
        if self.in_trash:
            raise refused(_ARCHIVED)
        if any(node.in_trash for node in self.ancestors()):
            raise refused(_ANCESTOR)

    def touch(self) -> None:
        self.edited = datetime.now(timezone.utc)

    def set_trash(self, in_trash: bool) -> None:
        """Move to the trash or back; back means to the end."""
        if in_trash == self.in_trash:
            return
        self.in_trash = in_trash
        siblings = self.parent.children if self.parent else []
        if in_trash and self in siblings:
            siblings.remove(self)
        elif not in_trash:
            siblings.append(self)
        self.touch()

    def parent_shown(self) -> Json:
        if self.parent is None:
            return {"type": "workspace", "workspace": True}
        kind = self.parent.kind + "_id"
        return {"type": kind, kind: self.parent.id}

    def url(self) -> str:
        return f"https://www.notion.so/{self.id.replace('-', '')}"

    def stamps(self) -> Json:
        return {"created_time": values.minute(self.created),
                "last_edited_time": values.minute(self.edited),
                "created_by": self.creator, "last_edited_by": BOT}

    def shown(self) -> Json:
        raise NotImplementedError

    def block_shown(self) -> Json:
        """The node as an entry of its parent's content."""
        kind, content = self.block_content()
        return {"object": "block", "id": self.id,
                "parent": self.parent_shown(), **self.stamps(),
                "has_children": bool(self.children),
                "in_trash": self.in_trash, "type": kind, kind: content}

    def block_content(self) -> tuple[str, Json]:
        raise NotImplementedError


class Block(Node):
    kind = "block"

    def __init__(self, parent: Node, type_: str, content: Json) -> None:
        super().__init__(parent)
        self.type = type_
        self.content = content

    def block_content(self) -> tuple[str, Json]:
        return self.type, self.content

    def shown(self) -> Json:
        return self.block_shown()


class Page(Node):
    kind = "page"

    def __init__(self, parent: Node | None) -> None:
        super().__init__(parent)
        self.icon: Json | None = None
        self.cover: Json | None = None
        self.is_locked = self.is_archived = False
        self.set_values: dict[str, Any] = {}  # by property id

    def schema(self) -> list[Property]:
        if isinstance(self.parent, DataSource):
            return self.parent.properties
        return [Property("title", "title", {}, "title")]

    def value(self, prop: Property) -> Any:
        """A property's value as kept, computed where it is nobody's."""
        if prop.type in ("created_time", "last_edited_time"):
            return self.stamps()[prop.type]
        if prop.type in ("created_by", "last_edited_by"):
            return BOT
        return self.set_values.get(prop.id, values.empty(prop.type))

    def title(self) -> str:
        return values.plain(self.set_values.get("title", []))

    def parent_shown(self) -> Json:
        shown = super().parent_shown()
        if isinstance(self.parent, DataSource):
            assert self.parent.parent is not None
            shown["database_id"] = self.parent.parent.id
        return shown

    def block_content(self) -> tuple[str, Json]:
        return "child_page", {"title": self.title()}

    def shown(self, only: list[str] | None = None) -> Json:
        """The page, with all its properties or only some."""
        return {"object": "page", "id": self.id, **self.stamps(),
                "cover": self.cover, "icon": self.icon,
                "parent": self.parent_shown(), "in_trash": self.in_trash,
                "is_archived": self.is_archived, "is_locked": self.is_locked,
                "properties": {
                    prop.name: values.shown_value(prop, self.value(prop))
                    for prop in self.schema()
                    if only is None or any(map(prop.answers_to, only))},
                "url": self.url(), "public_url": None}


class Database(Node):
    """The container; its children are the data sources."""

    kind = "database"

    def __init__(self, parent: Node | None, title: list[Json]) -> None:
        super().__init__(parent)
        self.title = title
        self.description: list[Json] = []
        self.icon: Json | None = None
        self.cover: Json | None = None
        self.is_inline = self.is_locked = False

    def block_content(self) -> tuple[str, Json]:
        return "child_database", {"title": values.plain(self.title)}

    def shown(self) -> Json:
        def precise(moment: datetime) -> str:
            return moment.isoformat(timespec="milliseconds")
        return {"object": "database", "id": self.id, "title": self.title,
                "description": self.description,
                "parent": self.parent_shown(), "is_inline": self.is_inline,
                "in_trash": self.in_trash, "is_locked": self.is_locked,
                "created_time": precise(self.created),
                "last_edited_time": precise(self.edited),
                "icon": self.icon, "cover": self.cover,
                "data_sources": [
                    {"id": one.id, "name": values.plain(one.title)}
                    for one in self.children if isinstance(one, DataSource)],
                "url": self.url(), "public_url": None}


class DataSource(Node):
    """A table; its children are its rows."""

    kind = "data_source"

    def __init__(self, parent: Database, title: list[Json]) -> None:
        super().__init__(parent)
        self.title = title
        self.icon: Json | None = None
        self.properties: list[Property] = []

    def find(self, key: str) -> Property | None:
        """A property by name or id; "title" is the title whatever its name."""
        return next((one for one in self.properties if one.answers_to(key)),
                    None)

    def block_content(self) -> tuple[str, Json]:
        raise not_found("block", self.id)

    def shown(self) -> Json:
        assert self.parent is not None
        return {"object": "data_source", "id": self.id, "title": self.title,
                "description": [], "parent": self.parent_shown(),
                "database_parent": self.parent.parent_shown(),
                "in_trash": self.in_trash, **self.stamps(),
                "icon": self.icon, "cover": None, "is_inline": False,
                "properties": {one.name: one.shown()
                               for one in self.properties},
                "url": self.url(), "public_url": None}


class Workspace:
    """All nodes by id, and how new ones come in."""

    def __init__(self, upload: FileUrl, root_id: str) -> None:
        self.nodes: dict[str, Node] = {}
        self.upload = upload
        self.root = Page(None)
        self.root.id = root_id
        self.add(self.root)
        self.root.set_values["title"] = values.rich_text(
            [{"text": {"content": "Sandbox"}}])

    def add(self, node: Any, place: int | None = None) -> Any:
        """Enter a node below its parent, at the end or at a place."""
        self.nodes[node.id] = node
        if node.parent is not None:
            siblings = node.parent.children
            siblings.insert(len(siblings) if place is None else place, node)
            node.parent.touch()
        return node

    def get(self, identifier: str, kinds: tuple[type, ...], what: str) -> Any:
        """A node that is there, shared, and of one of these kinds."""
        identifier = dashed(identifier)
        node = self.nodes.get(identifier)
        if node is None or not isinstance(node, kinds) or not node.is_shared():
            raise not_found(what, identifier)
        return node

    def all(self, kind: type) -> list[Any]:
        return [node for node in self.nodes.values() if isinstance(node, kind)]

    def drop_rows(self) -> None:
        """Forget the rows of all databases, and what is below them."""
        def is_row(node: Node) -> bool:
            return isinstance(node.parent, DataSource)
        self.nodes = {node.id: node for node in self.nodes.values()
                      if not is_row(node)
                      and not any(map(is_row, node.ancestors()))}
        for source in self.all(DataSource):
            source.children = []

    # --- blocks ---

    def add_blocks(self, parent: Node, wanted: list[Json],
                   place: int | None = None) -> list[Block]:
        """Enter blocks with all that is below them.  All or nothing: what is
        wrong is found before anything is entered."""
        made = self.check_blocks(parent, wanted)
        for index, (block, below) in enumerate(made):
            self.add(block, None if place is None else place + index)
            self._add_below(below)
        return [block for block, _ in made]

    def check_blocks(self, parent: Node, wanted: list[Json]) -> list[Any]:
        """The blocks with what is below each, not entered yet."""
        return [self._block(parent, one) for one in wanted]

    def _add_below(self, made: list[Any]) -> None:
        for block, below in made:
            self.add(block)
            self._add_below(below)

    def _block(self, parent: Node, wanted: Json) -> tuple[Block, list[Any]]:
        kind = kind_of(wanted)
        assert kind is not None
        check_child(parent, kind, wanted)
        content = dict(wanted[kind])
        below = content.pop("children", [])
        block = Block(parent, kind, kept_content(kind, content, self.upload))
        return block, [self._block(block, one) for one in below]


def check_child(parent: Node, kind: str, wanted: Json) -> None:
    """May a block of this kind stand there?"""
    if isinstance(parent, Block):
        plain_heading = (parent.type in HEADINGS
                         and not parent.content["is_toggleable"])
        if parent.type not in PARENTS or plain_heading:
            raise refused("Block does not support children.")
    above = parent.type if isinstance(parent, Block) else parent.kind
    for only, needed in (("table_row", "table"), ("column", "column_list")):
        if (kind == only) != (above == needed):
            raise refused(f"A block of type {kind} cannot be a child of "
                          f"{above}.")
    if kind == "table_row":
        check_cells(parent, wanted[kind]["cells"])


def check_cells(table: Any, cells: list[Any]) -> None:
    if len(cells) != table.content["table_width"]:
        raise refused("Number of cells in table row must match the table "
                      "width of the parent table.")


def kept_content(kind: str, content: Json, upload: FileUrl,
                 defaults: bool = True) -> Json:
    """The content of a block as responses have it, without its children."""
    kept: Json = {}
    if defaults:
        kept = dict(_DEFAULTS.get(kind, {}))
    if "external" in content or "file_upload" in content:
        content = values.kept_file(content, upload)
    for key, value in content.items():
        if key in ("rich_text", "caption"):
            value = values.rich_text(value)
        elif key == "cells":
            value = [values.rich_text(cell) for cell in value]
        elif key == "icon":
            value = values.kept_icon(value, upload)
        kept[key] = value
    if kind == "link_to_page":
        target = next(key for key in kept if key != "type")
        kept = {"type": target, target: dashed(kept[target])}
    return kept


_TEXTUAL = {"rich_text": [], "color": "default"}
_DEFAULTS: dict[str, Json] = {
    **{kind: _TEXTUAL for kind in ("paragraph", "bulleted_list_item",
                                   "numbered_list_item", "quote", "toggle")},
    **{kind: {**_TEXTUAL, "is_toggleable": False} for kind in HEADINGS},
    "to_do": {**_TEXTUAL, "checked": False},
    "callout": {**_TEXTUAL, "icon": {"type": "emoji", "emoji": "💡"}},
    "code": {"rich_text": [], "caption": []},
    "table": {"has_column_header": False, "has_row_header": False},
    "table_of_contents": {"color": "default"},
    **{kind: {"caption": []} for kind in ("image", "video", "pdf", "audio",
                                          "file", "embed", "bookmark")},
}


def tree(node: Node) -> list[Json]:
    """The whole content below a node, for tests to look at."""
    return [{**child.block_shown(), "children": tree(child)}
            for child in node.children if not isinstance(child, DataSource)]
