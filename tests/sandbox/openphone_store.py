"""OpenPhone's data: objects as the dated API has them, and their v1 views."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

from year import Year

Json = dict[str, Any]

USER = "UStest01"
NUMBER = "PNtest01"
OUR_NUMBER = "+15550002222"
THEIR_NUMBER = "+15550001111"

CALL_STATUS = ("queued", "initiated", "ringing", "in-progress", "completed",
               "busy", "failed", "no-answer", "canceled", "missed", "answered",
               "forwarded", "abandoned")
MESSAGE_STATUS = ("queued", "sent", "delivered", "undelivered", "received",
                  "failed")


def now() -> str:
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(text: str) -> datetime:
    """Times are given with and without fractions, with Z or an offset."""
    made = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return made if made.tzinfo else made.replace(tzinfo=timezone.utc)


# What an object is where nobody says otherwise.  KIND: (id prefix, fields).
_DEFAULTS: dict[str, tuple[str, Json]] = {
    "calls": ("AC", {
        "phoneNumberId": NUMBER, "actorId": USER, "direction": "incoming",
        "status": "completed", "answeredAt": None, "answeredBy": None,
        "initiatedBy": None, "completedAt": None, "callRoute": "phone-number",
        "duration": 0, "forwardedFrom": None, "forwardedTo": None,
        "aiHandled": None}),
    "messages": ("AC", {
        "from": THEIR_NUMBER, "to": [OUR_NUMBER], "text": "",
        "conversationId": "CNtest01", "direction": "incoming",
        "status": "received", "media": [], "phoneNumberId": NUMBER,
        "userId": None}),
    "users": ("US", {"email": None, "firstName": None, "lastName": None,
                     "pictureUrl": None, "role": "member"}),
    "numbers": ("PN", {
        "groupId": "GRtest01", "name": "", "phoneNumber": OUR_NUMBER,
        "formattedNumber": None, "forward": None, "portRequestId": None,
        "portingStatus": None, "symbol": None, "users": []}),
    "contacts": ("CT", {
        "externalId": None, "source": None, "sourceUrl": None,
        "firstName": None, "lastName": None, "company": None, "role": None,
        "actorId": USER, "properties": []}),
    "conversations": ("CN", {
        "phoneNumberId": NUMBER, "participants": [THEIR_NUMBER], "name": None,
        "assignedTo": None, "lastActivityAt": None, "lastActivityId": None,
        "mutedUntil": None, "snoozedUntil": None, "deletedAt": None}),
    "recordings": ("CR", {
        "callId": None, "status": "completed", "startTime": None,
        "duration": None, "url": None, "type": "audio/mpeg"}),
    "voicemails": ("VM", {
        "callId": None, "status": "completed", "duration": None,
        "recordingUrl": None, "transcript": None}),
    "summaries": ("", {
        "callId": None, "status": "completed", "type": "human",
        "summary": None, "nextSteps": None, "jobs": None, "title": None}),
    "transcripts": ("", {
        "callId": None, "recordingId": None, "status": "completed",
        "startTime": None, "duration": 0, "dialogue": None}),
}
_STAMPED = {"calls", "messages", "users", "numbers", "contacts",
            "conversations", "transcripts"}
# One of these a call; a new one takes the place of the old.
_SINGLE = {"summaries", "voicemails"}


class World:
    """Everything that the workspace holds, newest object last."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.reset()

    def reset(self) -> None:
        """The small default world."""
        with self.lock:
            self._counter = itertools.count(1)
            self.objects: dict[str, dict[str, Json]] = {
                kind: {} for kind in _DEFAULTS}
            self.year: Year | None = None
            self._populate()

    def _populate(self) -> None:
        people = (("UStest01", "Sam", "Rivera", "owner"),
                  ("UStest02", "Alex", "Kim", "member"))
        for identifier, first, last, role in people:
            self.add("users", {
                "id": identifier, "firstName": first, "lastName": last,
                "email": f"{first.lower()}@example.com", "role": role})
        self.add("numbers", {
            "id": NUMBER, "name": "Main", "symbol": "📞",
            "formattedNumber": "(555) 000-2222",
            "users": ["UStest01", "UStest02"]})
        for identifier in ("CTtest01", "contact0001"):
            self.add("contacts", {
                "id": identifier, "firstName": "Jane", "lastName": "Doe",
                "company": "Acme", "phoneNumbers": [THEIR_NUMBER]})
        self.add("conversations", {"id": "CNtest01"})
        self.organization = {
            "id": "ORtest01", "name": "Sandbox", "subscriptionStatus": "active",
            "createdAt": "2026-01-05T09:00:00Z",
            "updatedAt": "2026-01-05T09:00:00Z"}

    def add_year(self, year: Year) -> None:
        """A generated history, beside the objects."""
        for number in range(year.settings.lines):
            self.add("numbers", year.line(number))
        for whose in range(year.settings.people):
            self.add("conversations", year.conversation(whose))
        for contact in year.contacts():
            self.add("contacts", contact)
        self.year = year

    def add(self, kind: str, given: Json) -> Json:
        """Put in an object, or change the one that has its id.

        Raises ValueError for a field that the object does not have."""
        prefix, defaults = _DEFAULTS[kind]
        with self.lock:
            identifier = (given.get("id")
                          or self._identifier(kind, prefix, given))
            made = self.objects[kind].get(identifier)
            if made is None:
                made = {"id": identifier, **defaults}
                if kind in _STAMPED:
                    made["createdAt"] = given.get("createdAt") or now()
                    made["updatedAt"] = made["createdAt"]
                self.objects[kind][identifier] = made
            self._fill(kind, made, dict(given))
            return made

    def _identifier(self, kind: str, prefix: str, given: Json) -> str:
        if kind in _SINGLE or not prefix:
            if not given.get("callId"):
                raise ValueError(f"{kind} need a callId")
            recording = given.get("recordingId") or ""
            return f"{prefix}{given['callId']}{recording}"
        return f"{prefix}sandbox{next(self._counter):04d}"

    def _fill(self, kind: str, made: Json, given: Json) -> None:
        if kind == "calls":
            _fill_call(made, given)
        if kind == "contacts":
            _fill_contact(made, given)
        unknown = given.keys() - made.keys()
        if unknown:
            raise ValueError(f"{kind} have no {', '.join(sorted(unknown))}")
        made.update(given)

    def get(self, kind: str, identifier: str) -> Json | None:
        with self.lock:
            found = self.objects[kind].get(identifier)
        if found is None and self.year:
            return self.year.get(kind, identifier)
        return found

    def remove(self, kind: str, identifier: str) -> Json:
        with self.lock:
            return self.objects[kind].pop(identifier)

    def clear(self, kind: str) -> None:
        with self.lock:
            self.objects[kind].clear()

    def all(self, kind: str) -> list[Json]:
        with self.lock:
            return list(self.objects[kind].values())

    def newest(self, kind: str, before: datetime | None = None,
               party: str | None = None) -> Iterator[Json]:
        """Calls or messages from the youngest on, not those created after
        `before`; party: others may be left out."""
        def when(one: Json) -> tuple[datetime, str]:
            return moment(one["createdAt"]), one["id"]
        found = sorted(self.all(kind), key=when, reverse=True)
        if before is not None:
            found = [one for one in found
                     if moment(one["createdAt"]) <= before]
        if self.year is None:
            return iter(found)
        return heapq.merge(found, self.year.newest(kind, before, party),
                           key=when, reverse=True)

    def of_call(self, kind: str, call: str) -> list[Json]:
        """The recordings, transcripts … of a call, oldest first."""
        if self.year and self.year.get("calls", call):
            return self.year.part(kind, call)
        found = [one for one in self.all(kind) if one["callId"] == call]
        return sorted(found, key=lambda one: one.get("startTime") or "")


def _fill_call(made: Json, given: Json) -> None:
    """Participants as plain numbers are completed; by default there are two."""
    direction = given.get("direction", made["direction"])
    if direction == "outgoing" and "callRoute" not in given:
        made["callRoute"] = None
    numbers = given.get("participants")
    if numbers is None and "participants" not in made:
        numbers = [OUR_NUMBER, THEIR_NUMBER]
    if numbers is not None:
        actor = given.get("actorId", made["actorId"])
        given["participants"] = made["participants"] = [
            one if isinstance(one, dict) else
            {"phoneNumber": one,
             "actorId": actor if one == OUR_NUMBER else None}
            for one in numbers]


def _fill_contact(made: Json, given: Json) -> None:
    """phoneNumbers and emails are short for properties."""
    for key, kind, name in (("phoneNumbers", "phone-number", "Mobile"),
                            ("emails", "email", "Work")):
        for value in given.pop(key, []):
            made["properties"] = made["properties"] + [
                {"id": f"{made['id']}p{len(made['properties'])}", "type": kind,
                 "name": name, "value": value, "createdAt": made["createdAt"],
                 "updatedAt": made["updatedAt"]}]


# --- views of the dated API ---------------------------------------------------

def without(one: Json, *keys: str) -> Json:
    return {key: value for key, value in one.items() if key not in keys}


def dated_call(world: World, call: Json, include: list[str]) -> Json:
    shown = dict(call)
    summaries = world.of_call("summaries", call["id"])
    if "summary" in include:
        shown["summary"] = without(summaries[0], "id", "callId") if summaries \
            else {"status": "absent", "type": None, "summary": None,
                  "nextSteps": None, "jobs": None, "title": None}
    voicemails = world.of_call("voicemails", call["id"])
    if "voicemail" in include and voicemails:
        shown["voicemail"] = without(voicemails[0], "callId")
    return shown


def dated_transcript(transcript: Json) -> Json:
    return without(transcript, "id", "callId", "updatedAt")


# --- views of v1 --------------------------------------------------------------

def is_group(call: Json) -> bool:
    return len({one["phoneNumber"] for one in call["participants"]}) > 2


def v1_call(call: Json) -> Json:
    shown = without(call, "actorId")
    shown["userId"] = call["actorId"]
    parties = call["participants"]
    ours = [one["phoneNumber"] for one in parties if one["actorId"]]
    others = [one["phoneNumber"] for one in parties if not one["actorId"]]
    shown["participants"] = (others + ours if call["direction"] == "incoming"
                             else ours + others)
    return shown


def v1_number(world: World, number: Json) -> Json:
    shown = without(number, "phoneNumber")
    shown["number"] = number["phoneNumber"]
    users = [world.get("users", one) for one in number["users"]]
    shown["users"] = [
        {key: user[key] for key in ("id", "email", "firstName", "lastName",
                                    "role")} | {"groupId": number["groupId"]}
        for user in users if user]
    shown["restrictions"] = {
        what: {place: "unrestricted" for place in ("CA", "Intl", "US")}
        for what in ("calling", "messaging")}
    return shown


def v1_contact(contact: Json) -> Json:
    def valued(kind: str) -> list[Json]:
        return [{"name": one["name"], "value": one["value"], "id": one["id"]}
                for one in contact["properties"] if one["type"] == kind]
    return {**{key: contact[key] for key in (
                "id", "externalId", "source", "sourceUrl", "createdAt",
                "updatedAt")},
            "createdByUserId": contact["actorId"], "customFields": [],
            "defaultFields": {
                **{key: contact[key] for key in ("firstName", "lastName",
                                                 "company", "role")},
                "emails": valued("email"),
                "phoneNumbers": valued("phone-number")}}


def v1_summary(summary: Json) -> Json:
    return {key: summary[key] for key in (
        "callId", "status", "summary", "nextSteps", "jobs")}


def v1_transcript(call: Json | None, transcripts: list[Json]) -> Json:
    """All segments as one; times count from the start of the call."""
    first = transcripts[0]
    lines = []
    for one in transcripts:
        shift = 0.0
        if call and one["startTime"]:
            shift = (moment(one["startTime"]) - moment(
                call["createdAt"])).total_seconds()
        for line in one["dialogue"] or []:
            lines.append({"content": line["content"],
                          "start": line["start"] + shift,
                          "end": line["end"] + shift,
                          "identifier": line.get("identifier"),
                          "userId": line.get("actorId")})
    return {"callId": first["callId"], "createdAt": first["createdAt"],
            "duration": sum(one["duration"] for one in transcripts),
            "status": first["status"],
            "dialogue": lines if first["dialogue"] is not None else None}
