"""What the tests of reconcile and maintain share: tables and databases of
their own, and an OpenPhone whose deliveries may be lost."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from typing import Any

import deliver
import pytest
from conftest import Stack, psql, request, texts

LIFE = tuple("2026-03-30/" + name for name in (
    "call.completed", "call.recording.completed",
    "call.transcript.completed", "call.summary.completed"))
SMS = "2026-03-30/message.received"
OURS = ("event, event_body, resource, job, page, media, listing, finding,"
        " upstream, directory, contact_number")


@pytest.fixture
def alone(stack: Stack) -> Iterator[None]:
    """Databases, tables and an account in which nobody else's calls are."""
    for kind in ("calls", "messages"):
        stack.control("DELETE", f"/openphone/{kind}")
    psql(stack.env, "CREATE TABLE kept AS SELECT * FROM destination;"
         f"DELETE FROM destination; TRUNCATE {OURS};")
    stack.run("onsctl", "init")
    before = stack.control("GET", "/stats")["violations"]
    yield
    psql(stack.env, f"BEGIN; TRUNCATE {OURS}; DELETE FROM destination; INSERT"
         " INTO destination SELECT * FROM kept; DROP TABLE kept; COMMIT;")
    assert stack.control("GET", "/stats")["violations"] == before


def arrive(stack: Stack, name: str) -> tuple[str, str]:
    """A new resource with a page: its id, and the suffix of its kin."""
    suffix = stack.fresh()
    event = stack.load(name, suffix)
    stack.send(event)
    stack.process()
    return deliver.resource_id(event), suffix


def call(stack: Stack) -> str:
    return arrive(stack, LIFE[0])[0]


def reconcile(stack: Stack, *args: str, expect: int | None = 0,
              **more: Any) -> dict[str, Any]:
    """With Notion only, unless a range is given."""
    done = stack.run("onsctl", "--json", "reconcile",
                     *([] if "--since" in args else ["--notion"]), *args,
                     expect=expect, **more)
    return json.loads(done.stdout)


def found(report: dict[str, Any]) -> list[tuple[str, str, bool]]:
    return [(one["what"], one["resource_id"], one["repaired_at"] is not None)
            for one in report["findings"]]


def in_notion(stack: Stack, key: str) -> list[dict[str, Any]]:
    return [page for page in stack.control("GET", "/notion/pages")
            if key in json.dumps(page["properties"])]


def in_tables(stack: Stack, key: str) -> dict[str, Any]:
    [row] = stack.rows("SELECT state, page_id, url FROM page"
                       " WHERE resource_id = :'id'", id=key)
    return row


def jobs(stack: Stack) -> int:
    return stack.rows("SELECT count(*) FROM job")[0]["count"]


def database(stack: Stack, kind: str) -> str:
    [row] = stack.rows("SELECT database_id FROM destination"
                       " WHERE kind = :'kind'", kind=kind)
    return row["database_id"]


def notion(stack: Stack, method: str, path: str, data: Any) -> Any:
    """As somebody else with the same key."""
    text = stack.config.read_text().partition("[notion]")[2]
    keys = dict(line.split(" = ", 1) for line in text.splitlines()
                if " = " in line)
    answer = request(f"{keys['api_base']}/v1/{path}", method,
                     json.dumps(data).encode(), {
                         "Authorization": "Bearer " + keys["api_key"],
                         "Notion-Version": "2026-03-11",
                         "Content-Type": "application/json"})
    assert answer.status == 200, answer.body
    return answer.json


def copy_of(stack: Stack, key: str, kind: str = "call") -> str:
    """A second page with the id, made by hand: its address."""
    [row] = stack.rows("SELECT data_source_id FROM destination"
                       " WHERE kind = :'kind'", kind=kind)
    made = notion(stack, "POST", "pages", {
        "parent": {"data_source_id": row["data_source_id"]}, "properties": {
            "OpenPhone ID": {"rich_text": [{"text": {"content": key}}]}}})
    return made["url"]


def lose_all(stack: Stack) -> None:
    """A new installation over the same Notion."""
    calls, messages = database(stack, "call"), database(stack, "message")
    psql(stack.env, f"TRUNCATE {OURS}; DELETE FROM destination;")
    stack.run("onsctl", "init", "--calls", calls, "--messages", messages)


def lives(stack: Stack, n: int) -> list[tuple[str, list[dict[str, Any]]]]:
    """Calls and messages with a page, and what of them is still to come."""
    all_ = []
    for number in range(n):
        suffix = stack.fresh()
        names = LIFE if number % 2 else (
            SMS, "2026-03-30/message.delivered")
        events = [stack.load(name, suffix) for name in names]
        stack.send(*events[:1 + 3 * (number % 4 == 3)])
        all_.append((deliver.resource_id(events[0]), events))
        if number % 500 == 0:
            stack.process()
    stack.process()
    return all_


def each_has_one_page(stack: Stack,
                      all_: list[tuple[str, list[dict[str, Any]]]]) -> None:
    pages = stack.control("GET", "/notion/pages")
    columns = [json.dumps(page["properties"]) for page in pages]
    for key, _ in all_:
        [page] = [page for page, text in zip(pages, columns)
                  if f'"{key}"' in text]
        body = texts(page)
        for words in ("Open in OpenPhone", "Summary", "Next steps",
                      "Transcript"):
            assert body.split("\n").count(words) < 2


DAYS = itertools.count()


class History:
    """Calls and messages on a day that is the test's own, which OpenPhone has
    and delivers, or not."""

    def __init__(self, stack: Stack, begin: datetime | None = None) -> None:
        self.stack = stack
        suffix = stack.fresh()
        self.suffix = f"h{suffix}"
        number = int(suffix[1:])
        self.begin = begin or datetime(2025, 1, 1, tzinfo=timezone.utc) + \
            timedelta(days=next(DAYS))
        self.line, self.ours = f"PN{suffix}", f"+1555730{number:04d}"
        self.theirs = f"+1555740{number:04d}"
        self.ids: list[str] = []
        self.kinds: dict[str, list[str]] = {"calls": [], "messages": []}
        stack.control("POST", "/openphone/numbers", {
            "id": self.line, "name": f"Line {suffix}",
            "phoneNumber": self.ours, "users": ["UStest01"]})
        stack.control("POST", "/openphone/conversations", {
            "id": f"CN{suffix}", "phoneNumberId": self.line,
            "participants": [self.theirs],
            "createdAt": "2025-01-01T00:00:00Z",
            "lastActivityAt": "2026-01-01T00:00:00Z"})

    @property
    def day(self) -> date:
        return self.begin.date()

    @property
    def range(self) -> tuple[str, ...]:
        return ("--since", str(self.day), "--until", str(self.day))

    def moment(self, number: float) -> str:
        """So many minutes after it began."""
        return (self.begin + timedelta(minutes=number)).isoformat(
            timespec="milliseconds").replace("+00:00", "Z")

    def _add(self, kind: str, fields: dict[str, Any]) -> dict[str, Any]:
        number = len(self.ids)
        one = {"id": f"AC{self.suffix}n{number}", "phoneNumberId": self.line,
               "createdAt": self.moment(number), **fields}
        self.ids.append(one["id"])
        self.kinds[kind].append(one["id"])
        [made] = self.stack.control("POST", f"/openphone/{kind}", one)
        return made

    def call(self, **fields: Any) -> dict[str, Any]:
        end = self.moment(len(self.ids) + 0.7)
        call = self._add("calls", {
            "completedAt": end, "answeredAt": end, "duration": 40,
            "participants": [
                {"phoneNumber": self.ours, "actorId": "UStest01"},
                {"phoneNumber": self.theirs, "actorId": None}], **fields})
        return self._envelope(LIFE[0], call)

    def message(self, **fields: Any) -> dict[str, Any]:
        message = self._add("messages", {
            "from": self.theirs, "to": [self.ours],
            "text": f"Message {len(self.ids)}", **fields})
        return self._envelope(SMS, message)

    def _envelope(self, name: str, one: dict[str, Any]) -> dict[str, Any]:
        envelope = self.stack.load(name, one["id"])
        resource = envelope["data"]["resource"]
        for key in resource.keys() & one.keys():
            resource[key] = one[key]
        context = envelope["data"]["context"]
        context.update(phoneNumberId=self.line,
                       contacts={"ids": [], "lookupStatus": "matched"})
        if "participants" in context:
            context["participants"].update(workspace=[self.ours],
                                           external=[self.theirs])
        else:
            context.update(senderIdentifier=self.theirs,
                           recipientIdentifiers=[self.ours])
        return envelope

    def upstream(self) -> list[dict[str, Any]]:
        """What OpenPhone has: a change of nothing answers the object."""
        return [one for kind, ids in self.kinds.items() for one in
                self.stack.control("POST", f"/openphone/{kind}",
                                   [{"id": id_} for id_ in ids])]

    def forget(self) -> None:
        """For the tests after it, all this was long ago."""
        for kind, ids in self.kinds.items():
            self.stack.control("POST", f"/openphone/{kind}", [
                {"id": id_, "createdAt": "2024-01-01T00:00:00.000Z"}
                for id_ in ids])

    def pages(self) -> list[str]:
        """Whose pages there are; an id twice is two pages."""
        return sorted(
            "".join(item["plain_text"] for item in
                    page["properties"]["OpenPhone ID"]["rich_text"])
            for page in self.stack.control("GET", "/notion/pages")
            if f"AC{self.suffix}n" in json.dumps(page["properties"]))

    def is_complete(self) -> bool:
        """One page each, and what OpenPhone knows of it."""
        facts = {row["id"]: row["facts"] for row in self.stack.rows(
            "SELECT id, facts FROM resource WHERE id LIKE"
            f" 'AC{self.suffix}n%'")}
        for one in self.upstream():
            known = facts[one["id"]]
            for key in ("status", "text", "duration", "createdAt"):
                assert known.get(key) == one.get(key), (known, one)
        return facts.keys() == set(self.ids) and \
            self.pages() == sorted(self.ids)


def api(stack: Stack) -> str:
    text = stack.config.read_text().partition("[openphone]")[2]
    return text.partition("api_base = ")[2].partition("\n")[0]
