"""Webhook subscriptions: the dated ones, and those of v1."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
import re
import secrets
import threading
import time
import urllib.error
import urllib.request
from datetime import datetime, timedelta, timezone
from typing import Any

from http_service import Request, Response
from openphone_store import USER, Json, moment, now
from record import Record

VERSION = "2026-03-30"
DATED_EVENTS = set("""message.received message.delivered message.failed
message.undelivered call.ringing call.answered call.completed call.missed
call.forwarded call.menu.selected call.recording.completed
call.transcript.completed call.summary.completed call.voicemail.completed
contact.updated contact.deleted task.created task.updated task.deleted
task.completed task.reopened task.assigned task.unassigned task.overdue
task.linked task.unlinked task.duedate.updated task.duedate.removed
integration.created integration.updated integration.deleted""".split())
V1_EVENTS = {
    "messages": {"message.received", "message.delivered"},
    "calls": {"call.completed", "call.ringing", "call.recording.completed"},
    "call-summaries": {"call.summary.completed"},
    "call-transcripts": {"call.transcript.completed"}}
MOST = 50
KEPT = timedelta(days=30)  # of the log; how long it is is not documented
_STATUSES = {"success", "pending", "sending", "failed"}
_PREFIXES = {"call": "AC", "message": "AC", "contact": "CT", "task": "TK",
             "integration": "IN"}
_CHANGEABLE = ("url", "events", "resourceIds", "status", "label")


class Webhooks:
    """Both kinds of subscriptions; neither sees the other."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        with self.lock:
            self._numbers = itertools.count(1)
            self._dated: dict[str, Json] = {}
            self._v1: dict[str, Json] = {}
            self._deliveries: dict[str, list[Json]] = {}

    # --- dated ---

    def dated(self, request: Request, pieces: list[str]) -> Response | None:
        """The answer, or None where there is no such thing."""
        with self.lock:
            if not pieces:
                return self._collection(request)
            if not pieces[0].isdigit():
                return _refused("The webhook id is invalid.", "0303400")
            webhook = self._dated.get(pieces[0])
            if webhook is None:
                return None
            if len(pieces) == 1:
                return self._one(request, webhook)
            if request.method == "POST" and pieces[1:] == ["rotate"]:
                webhook["key"] = self._new_key("whsec_")
                return Response(200, {"data": {"key": webhook["key"]}})
            if pieces[1:2] == ["events"]:
                return self._events(request, webhook, pieces[2:])
            return None

    def _collection(self, request: Request) -> Response | None:
        if request.method == "GET":
            return Response(200, {"data": [_keyless(one) for one
                                           in self._dated.values()]})
        if request.method != "POST":
            return None
        body = _object(request)
        problem = _problem(body, DATED_EVENTS, needed=True)
        if len(self._dated) >= MOST:
            problem = "A workspace has at most 50 webhooks."
        if problem:
            return _refused(problem)
        made = {"id": str(900000 + next(self._numbers)), "orgId": "ORtest01",
                "label": None, "status": "enabled", "apiVersion": VERSION,
                "resourceIds": ["*"], **body, "createdAt": now(),
                "updatedAt": now(), "key": self._new_key("whsec_")}
        self._dated[made["id"]] = made
        self._deliveries[made["id"]] = []
        return Response(201, {"data": made})

    def _one(self, request: Request, webhook: Json) -> Response | None:
        if request.method == "GET":
            return Response(200, {"data": _keyless(webhook)})
        if request.method == "DELETE":
            del self._dated[webhook["id"]]
            return Response(204)
        if request.method != "PATCH":
            return None
        body = _object(request)
        problem = _problem(body, DATED_EVENTS, needed=False)
        if problem:
            return _refused(problem)
        webhook.update(body, updatedAt=now())
        webhook["resourceIds"] = webhook["resourceIds"] or ["*"]
        return Response(200, {"data": _keyless(webhook)})

    def _events(self, request: Request, webhook: Json,
                pieces: list[str]) -> Response | None:
        made = self._deliveries[webhook["id"]]
        if request.method == "POST" and pieces == ["test"]:
            event = (_object(request) or {}).get("eventType")
            if event not in DATED_EVENTS:
                return _refused("eventType must be one of the event names.")
            delivery = self._queued(webhook, event)
            return Response(200, _summary(delivery))
        if request.method == "GET" and not pieces:
            return _listed(made, request.query)
        found = next((one for one in made if one["id"] == pieces[0]), None)
        if found and request.method == "GET" and len(pieces) == 1:
            return Response(200, {"data": found})
        if found and request.method == "POST" and pieces[1:] == ["retry"]:
            self._start(webhook, found, "manual")
            return Response(202, {})
        return None

    def _queued(self, webhook: Json, event: str) -> Json:
        """A delivery of a sample, sent from a thread of its own."""
        kind, _, what = event.partition(".")
        name = "callId" if what in ("summary.completed",
                                    "transcript.completed") else "id"
        resource = {name: _PREFIXES[kind] + "sample01"}
        sample = {"id": "EVsample0001", "apiVersion": VERSION,
                  "createdAt": now(), "type": event,
                  "data": {"resource": resource, "context": {
                      "orgId": "ORtest01"}, "links": {"quo": None}}}
        delivery = {"id": "msg_" + secrets.token_hex(10), "eventId": None,
                    "resourceId": None, "eventType": event, "status": "sending",
                    "nextAttemptAt": None, "createdAt": now(),
                    "requestBody": json.dumps(sample, separators=(",", ":")),
                    "attempts": []}
        self._deliveries[webhook["id"]].append(delivery)
        self._start(webhook, delivery, "scheduled")
        return delivery

    def log(self, webhook: str, envelope: Json, status: str, created: str,
            answer: int, body: str = "text") -> Json:
        """An entry of the log, of a delivery that came to this end; body:
        as "text", as "object", or "none": which one it is is not documented.
        """
        if status not in _STATUSES:
            raise ValueError(status)
        moment(created)
        resource = envelope["data"]["resource"]
        text = json.dumps(envelope, separators=(",", ":"))
        entry = {
            "id": "msg_" + secrets.token_hex(10), "eventId": envelope["id"],
            "resourceId": resource.get("callId") or resource["id"],
            "eventType": envelope["type"], "status": status,
            "nextAttemptAt": None, "createdAt": created, "attempts": [{
                "id": "atmpt_" + secrets.token_hex(10), "timestamp": created,
                "status": "success" if answer // 100 == 2 else "failed",
                "responseStatusCode": answer, "responseBody": "",
                "responseDurationMs": 20, "triggerType": "scheduled",
                "url": self._dated[webhook]["url"]}]}
        if body != "none":
            entry["requestBody"] = text if body == "text" else envelope
        with self.lock:
            made = self._deliveries[webhook]
            made.append(entry)
            made.sort(key=lambda one: moment(one["createdAt"]))
        return _summary(entry)

    @staticmethod
    def _start(webhook: Json, delivery: Json, trigger: str) -> None:
        threading.Thread(target=_deliver, daemon=True,
                         args=(dict(webhook), delivery, trigger)).start()

    def _new_key(self, prefix: str) -> str:
        key = prefix + base64.b64encode(secrets.token_bytes(32)).decode()
        self.record.hide(key)
        return key

    # --- v1 ---

    def v1(self, request: Request, pieces: list[str]) -> Response | None:
        with self.lock:
            if request.method == "GET" and not pieces:
                owner = request.query.get("userId", [USER])[0]
                return Response(200, {"data": [
                    one for one in self._v1.values()
                    if one["userId"] == owner]})
            if request.method == "POST" and len(pieces) == 1:
                return self._create_v1(request, V1_EVENTS.get(pieces[0]))
            found = self._v1.get(pieces[0]) if len(pieces) == 1 else None
            if found and request.method == "GET":
                return Response(200, {"data": found})
            if found and request.method == "DELETE":
                del self._v1[pieces[0]]
                return Response(204)
            return None

    def _create_v1(self, request: Request,
                   events: set[str] | None) -> Response | None:
        if events is None:
            return None
        body = _object(request)
        owner = body.pop("userId", USER) if body else USER
        problem = _problem(body, events, needed=True)
        if problem:
            return _refused(problem, code="0300400")
        made = {"id": f"WHsandbox{next(self._numbers):04d}", "userId": owner,
                "orgId": "ORtest01", "label": None, "status": "enabled",
                "resourceIds": [], **body, "key": self._new_key(""),
                "createdAt": now(), "updatedAt": now(), "deletedAt": None}
        self._v1[made["id"]] = made
        return Response(201, {"data": made})


def _object(request: Request) -> Any:
    try:
        body = json.loads(request.raw)
        return body if isinstance(body, dict) else None
    except ValueError:
        return None


def _problem(body: Any, events: set[str], needed: bool) -> str | None:
    """What is wrong with a subscription, if anything."""
    if body is None:
        return "The body must be a JSON object."
    for key in body:
        if key not in _CHANGEABLE:
            return f"must NOT have additional properties: {key}"
    if needed and not {"url", "events"} <= body.keys():
        return "must have required properties url and events"
    if not re.fullmatch(r"https?://[^/\s]+\S*", str(body.get("url", "http://x"))):
        return "url must be a URI"
    given = body.get("events", ["call.completed"])
    if ("events" in body and (not _names(given)
                              or not set(given) <= events)):
        return "events must be names of events, one or more"
    numbers = body.get("resourceIds")
    if (numbers not in (None, [], ["*"])
            and not (_names(numbers)
                     and all(one.startswith("PN") for one in numbers))):
        return "resourceIds must be ids of phone numbers, or *"
    if not isinstance(body.get("label", ""), (str, type(None))):
        return "label must be string"
    if body.get("status", "enabled") not in ("enabled", "disabled"):
        return "status must be enabled or disabled"
    return None


def _names(value: Any) -> bool:
    """Strings, at least one, each once."""
    return (isinstance(value, list) and len(value) > 0
            and all(isinstance(one, str) for one in value)
            and len(set(value)) == len(value))


def _listed(made: list[Json], query: dict[str, list[str]]) -> Response:
    """The delivery log, newest first, in pages."""
    known = {"status", "eventType[in]", "resourceId", "createdAt[gt]",
             "createdAt[lt]", "limit", "after"}
    if not set(query) <= known:
        return _refused("must NOT have additional properties: "
                        + ", ".join(sorted(set(query) - known)))
    given = {name: values[-1] for name, values in query.items()}
    limit = given.get("limit", "10")
    if not limit.isdigit() or not 1 <= int(limit) <= 50:
        return _refused("limit must be >= 1 and <= 50")
    for name in ("createdAt[gt]", "createdAt[lt]"):
        try:
            moment(given.get(name, now()))
        except ValueError:
            return _refused(f"{name} must be a date-time")
    if given.get("status", "success") not in _STATUSES:
        return _refused("status must be one of the statuses.")
    rows = [one for one in reversed(made)
            if given.get("status") in (None, one["status"])
            and ("eventType[in]" not in given
                 or one["eventType"] in given["eventType[in]"].split(","))
            and given.get("resourceId") in (None, one["resourceId"])
            and moment(one["createdAt"]) > max(
                moment(given.get("createdAt[gt]", "2000-01-01T00:00:00Z")),
                datetime.now(timezone.utc) - KEPT)
            and moment(one["createdAt"]) < moment(
                given.get("createdAt[lt]", "9000-01-01T00:00:00Z"))]
    if "after" in given:
        ids = [one["id"] for one in rows]
        if given["after"] not in ids:
            return _refused("after is not a cursor.")
        rows = rows[ids.index(given["after"]) + 1:]
    more = len(rows) > int(limit)
    rows = rows[:int(limit)]
    return Response(200, {"data": [_summary(one) for one in rows],
                          "nextCursor": rows[-1]["id"] if more else None})


def _refused(message: str, code: str | None = None) -> Response:
    body: Json = {"title": "Bad Request", "message": message,
                  "docs": "https://quo.com/docs"}
    if code:
        body.update(code=code, status=400)
    return Response(400, body)


def _keyless(webhook: Json) -> Json:
    return {name: value for name, value in webhook.items() if name != "key"}


def _summary(delivery: Json) -> Json:
    return {name: value for name, value in delivery.items()
            if name not in ("requestBody", "attempts")}


def _deliver(webhook: Json, delivery: Json, trigger: str) -> None:
    """One attempt, signed as Standard Webhooks has it."""
    body = delivery["requestBody"].encode()
    stamp = str(int(time.time()))
    key = base64.b64decode(webhook["key"].removeprefix("whsec_"))
    signed = b".".join((delivery["id"].encode(), stamp.encode(), body))
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    request = urllib.request.Request(webhook["url"], body, {
        "Content-Type": "application/json", "webhook-id": delivery["id"],
        "webhook-timestamp": stamp,
        "webhook-signature": "v1," + base64.b64encode(digest).decode()})
    begun = time.monotonic()
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            status, text = answer.status, answer.read(4096)
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read(4096)
    except OSError as error:
        status, text = 0, str(error).encode()
    result = "success" if 200 <= status < 300 else "failed"
    delivery["attempts"].append({
        "id": "atmpt_" + secrets.token_hex(10), "timestamp": now(),
        "status": result, "responseStatusCode": status,
        "responseBody": text.decode("utf-8", "replace"),
        "responseDurationMs": int((time.monotonic() - begun) * 1000),
        "triggerType": trigger, "url": webhook["url"]})
    delivery["status"] = result
