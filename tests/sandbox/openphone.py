"""OpenPhone's (Quo's) REST API: the dated surface, and v1 under /v1.

Both surfaces show the same world.  What each takes is in PARAMETERS and
V1_PARAMETERS: everything that is not named there is refused.
"""

from __future__ import annotations

import base64
import itertools
import re
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Callable

import openphone_store as store
from http_service import Request, Response, Service
from limits import FixedWindow
from openphone_store import Json, World, moment
from openphone_webhooks import Webhooks
from record import Record

VERSION = "2026-03-30"
TRACE = "6897907457496870895"
TITLES = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden",
          404: "Not Found", 422: "Unprocessable Entity",
          500: "Internal Server Error"}


@dataclass
class Refused(Exception):
    """An answer other than 2xx."""

    status: int
    message: str
    path: str | None = None  # of the parameter
    code: str | None = None  # v1's own codes


def not_found(what: str) -> Refused:
    return Refused(404, f"{what} not found")


# --- parameters ---------------------------------------------------------------

Parse = Callable[[str, str], Any]


def _integer(least: int, most: int) -> Parse:
    def parse(text: str, where: str) -> int:
        if not re.fullmatch(r"\d{1,9}", text):
            raise Refused(400, "must be integer", where)
        if int(text) > most:
            raise Refused(400, f"must be <= {most}", where)
        if int(text) < least:
            raise Refused(400, f"must be >= {least}", where)
        return int(text)
    return parse


def _matching(pattern: str) -> Parse:
    def parse(text: str, where: str) -> str:
        if not re.fullmatch(pattern, text, re.DOTALL):
            raise Refused(400, f"must match pattern {pattern}", where)
        return text
    return parse


def _time(text: str, where: str) -> Any:
    try:
        if "T" in text:
            return moment(text)
    except ValueError:
        pass
    raise Refused(400, "must be a date-time", where)


def _each(parse: Parse) -> Parse:
    """A list with commas in one parameter."""
    return lambda text, where: [parse(one, where) for one in text.split(",")]


_PN, _US = _matching("PN.*"), _matching("US.*")
_ACTOR = _matching("(US|SYU).*")
_ANY = _matching(".+")
_DIRECTION = _matching("incoming|outgoing")
_CALL_STATUS = _matching("|".join(store.CALL_STATUS))
_MESSAGE_STATUS = _matching("|".join(store.MESSAGE_STATUS))
_INCLUDE = _each(_matching("summary|voicemail"))
_PAGING = {"limit": _integer(1, 50), "after": _ANY}


def _range(field: str, *operators: str) -> dict[str, Parse]:
    return {f"{field}[{one}]": _time for one in operators}


# Of the dated API, by handler.
PARAMETERS: dict[str, dict[str, Parse]] = {
    "calls": {**_PAGING, "phoneNumberId": _PN, "actorId": _ACTOR,
              "participant": _ANY, "participant[in]": _each(_ANY),
              "direction": _DIRECTION, "status": _CALL_STATUS,
              "status[in]": _each(_CALL_STATUS), "include": _INCLUDE,
              **_range("createdAt", "gte", "lte")},
    "call": {"include": _INCLUDE},
    "recordings": _PAGING,
    "transcripts": {},
    "messages": {**_PAGING, "from": _ANY, "to": _ANY, "to[all]": _each(_ANY),
                 "status": _MESSAGE_STATUS, "direction": _DIRECTION,
                 "phoneNumberId": _PN, "userId": _ACTOR,
                 **_range("createdAt", "gt", "lt")},
    "conversations": {**_PAGING, "phoneNumberId": _PN,
                      "phoneNumberId[in]": _each(_PN),
                      "sort": _matching("(createdAt|updatedAt):(asc|desc)"),
                      **_range("createdAt", "gte", "lte"),
                      **_range("updatedAt", "gte", "lte")},
    "numbers": {**_PAGING, "phoneNumber": _ANY,
                "include": _matching("restrictions")},
    "number": {"include": _each(_matching("restrictions|businessHours"))},
    "users": _PAGING,
    "contacts": {**_PAGING, "externalId[in]": _each(_ANY),
                 "source[in]": _each(_ANY)},
    "contact_properties": {**_PAGING, "type": _ANY},
}
_V1_TIMES = {"createdAfter": _time, "createdBefore": _time, "since": _time}
_V1_PAGING = {"maxResults": _integer(1, 100), "pageToken": _ANY}
_V1_SHORT = {"maxResults": _integer(1, 50), "pageToken": _ANY}

# Of v1, by handler; a "!" marks what has to be there.
V1_PARAMETERS: dict[str, dict[str, Parse]] = {
    "v1_calls": {"phoneNumberId!": _PN, "participants!": _ANY,
                 "maxResults!": _V1_PAGING["maxResults"], "pageToken": _ANY,
                 "userId": _US, **_V1_TIMES},
    "v1_messages": {"phoneNumberId!": _PN, "participants!": _ANY,
                    "maxResults!": _V1_PAGING["maxResults"], "pageToken": _ANY,
                    "userId": _US, **_V1_TIMES},
    "v1_numbers": {"userId": _US},
    "v1_users": {"maxResults!": _V1_SHORT["maxResults"], "pageToken": _ANY},
    "v1_contacts": {"maxResults!": _V1_SHORT["maxResults"], "pageToken": _ANY,
                    "externalIds": _matching(".{1,75}"), "sources": _ANY},
    "v1_conversations": {
        "maxResults!": _V1_PAGING["maxResults"], "pageToken": _ANY,
        "phoneNumbers": _ANY, "phoneNumber": _ANY, "userId": _US,
        "excludeInactive": _matching("true|false"),
        "createdAfter": _time, "createdBefore": _time,
        "updatedAfter": _time, "updatedBefore": _time},
    "v1_webhooks": {"userId": _US},
}
_REPEATED = {"participants", "phoneNumbers", "externalIds", "sources"}


def parameters(wanted: dict[str, Parse], request: Request,
               repeated: set[str]) -> Json:
    """The query as values, by name; raises Refused for what is not taken."""
    checks = {name.rstrip("!"): check for name, check in wanted.items()}
    found: Json = {}
    for name, texts in request.query.items():
        where = f"/query/{name}"
        if name not in checks:
            raise Refused(400, "must NOT have additional properties", where)
        if name not in repeated and len(texts) > 1:
            raise Refused(400, "must be given once", where)
        given = [checks[name](text, where) for text in texts]
        found[name] = given if name in repeated else given[0]
    for name in wanted:
        if name.endswith("!") and name[:-1] not in found:
            raise Refused(400, f"must have required property '{name[:-1]}'",
                          f"/query/{name[:-1]}")
    return found


# --- the service --------------------------------------------------------------

# pattern of the path, handler; each "{…}" is one argument.
ROUTES = [("GET", pattern, handler) for pattern, handler in (
    ("calls", "calls"), ("calls/{}", "call"),
    ("calls/{}/recordings", "recordings"),
    ("calls/{}/transcripts", "transcripts"),
    ("messages", "messages"), ("messages/{}", "message"),
    ("conversations", "conversations"),
    ("phone-numbers", "numbers"), ("phone-numbers/{}", "number"),
    ("phone-numbers/{}/users", "number_users"),
    ("users", "users"), ("users/{}", "user"),
    ("users/{}/phone-numbers", "user_numbers"),
    ("contacts", "contacts"), ("contacts/{}", "contact"),
    ("contacts/{}/properties", "contact_properties"),
    ("organization", "organization"))]
V1_ROUTES = [("GET", pattern, handler) for pattern, handler in (
    ("calls", "v1_calls"), ("calls/{}", "v1_call"),
    ("call-recordings/{}", "v1_recordings"),
    ("call-summaries/{}", "v1_summary"),
    ("call-transcripts/{}", "v1_transcript"),
    ("call-voicemails/{}", "v1_voicemail"),
    ("messages", "v1_messages"), ("messages/{}", "v1_message"),
    ("phone-numbers", "v1_numbers"), ("phone-numbers/{}", "v1_number"),
    ("users", "v1_users"), ("users/{}", "v1_user"),
    ("contacts", "v1_contacts"), ("contacts/{}", "v1_contact"),
    ("conversations", "v1_conversations"))]

# The first two digits of v1's error codes.
_V1_RESOURCES = {
    "calls": "01", "messages": "02", "webhooks": "03", "phone-numbers": "04",
    "call-summaries": "05", "call-transcripts": "06", "contacts": "08",
    "call-recordings": "09", "conversations": "10", "users": "11",
    "call-voicemails": "12"}


class OpenPhone(Service):
    """Both surfaces; a method a route."""

    name = "openphone"

    def __init__(self, world: World, record: Record) -> None:
        self.key = "sandbox" + secrets.token_hex(12)
        self.world = world
        self.webhooks = Webhooks(record)
        self.limit = FixedWindow(10, 1)

    def handle(self, request: Request) -> Response:
        pieces = request.segments()
        if pieces[0] == "v1":
            return self._handle_v1(request, pieces[1:])
        version = request.header("Quo-Api-Version")
        try:
            if version != VERSION:
                raise Refused(400, "Unsupported or missing Quo-Api-Version "
                              f"header. Supported versions: {VERSION}")
            if request.header("Authorization") != self.key:
                raise Refused(401, "Missing or invalid authorization header")
            limited = self._limited()
            if limited:
                return limited
            return self._dispatch(request, pieces)
        except Refused as error:
            return _dated_refusal(error)

    def _handle_v1(self, request: Request, pieces: list[str]) -> Response:
        given = request.header("Authorization")
        if given != self.key:
            what = ("Invalid API key" if given
                    else "Missing authorization header")
            return Response(401, {"error": {
                "message": what, "key": "Unauthorized", "trace": TRACE}})
        limited = self._limited()
        if limited:
            return limited
        try:
            return self._dispatch_v1(request, pieces)
        except Refused as error:
            return _v1_refusal(error, pieces[0] if pieces else "")

    def _limited(self) -> Response | None:
        """The gateway's own answer; it is not in the API's shape."""
        wait = self.limit.take(self.key)
        if not wait:
            return None
        return Response(429, {"message": "API rate limit exceeded"}, {
            "Retry-After": str(wait), "RateLimit-Reset": str(wait),
            "RateLimit-Limit": str(self.limit.limit),
            "RateLimit-Remaining": "0",
            "X-RateLimit-Limit-Second": str(self.limit.limit),
            "X-RateLimit-Remaining-Second": "0"})

    def _dispatch(self, request: Request, pieces: list[str]) -> Response:
        if pieces[0] == "webhooks":
            found = self.webhooks.dated(request, pieces[1:])
            if found is None:
                raise not_found("Resource")
            return found
        handler, arguments = _match(ROUTES, request.method, pieces)
        given = parameters(PARAMETERS.get(handler, {}), request, set())
        return Response(200, getattr(self, handler)(*arguments, given))

    def _dispatch_v1(self, request: Request, pieces: list[str]) -> Response:
        if pieces[:1] == ["webhooks"]:
            found = self.webhooks.v1(request, pieces[1:])
            if found is None:
                raise not_found("Resource")
            return found
        handler, arguments = _match(V1_ROUTES, request.method, pieces)
        given = parameters(V1_PARAMETERS.get(handler, {}), request, _REPEATED)
        return Response(200, getattr(self, handler)(*arguments, given))

    def error_body(self, status: int) -> Json:
        return {"title": TITLES.get(status, "Error"),
                "message": "A fault ordered by a test.",
                "docs": "https://quo.com/docs", "trace": TRACE}

    def _get(self, kind: str, identifier: str, what: str) -> Json:
        found = self.world.get(kind, identifier)
        if found is None:
            raise not_found(what)
        return found

    # --- dated ---

    def calls(self, given: Json) -> Json:
        numbers = given.get("participant[in]", [])
        if "participant" in given:
            numbers = numbers + [given["participant"]]
        calls = (
            one for one in self._newest("calls", given, numbers)
            if _same(one, given, "phoneNumberId", "actorId", "direction",
                     "status")
            and _one_of(one["status"], given.get("status[in]"))
            and _within(one, given, "createdAt")
            and (not numbers or {p["phoneNumber"] for p in one["participants"]}
                 & set(numbers)))
        include = given.get("include", [])
        return _streamed(calls, given, lambda one: store.dated_call(
            self.world, one, include))

    def _newest(self, kind: str, given: Json, parties: list[str]
                ) -> Iterator[Json]:
        """From where the page begins to the end of the range, if there is
        one: what lies in it and what is of the parties is the caller's to
        say."""
        place = _place(given)
        before = [given[name] for name in (
            "createdAt[lte]", "createdAt[lt]", "createdBefore", "since")
            if name in given] + ([place[0]] if place else [])
        after = [given[name] for name in (
            "createdAt[gte]", "createdAt[gt]", "createdAfter")
            if name in given]
        found = self.world.newest(kind, min(before, default=None),
                                  parties[0] if len(parties) == 1 else None)
        return itertools.takewhile(
            lambda one: all(moment(one["createdAt"]) >= limit
                            for limit in after),
            (one for one in found if place is None or _key(one) < place))

    def call(self, identifier: str, given: Json) -> Json:
        call = self._get("calls", identifier, "Call")
        return {"data": store.dated_call(self.world, call,
                                         given.get("include", []))}

    def recordings(self, call: str, given: Json) -> Json:
        self._get("calls", call, "Call")
        return _listed(self.world.of_call("recordings", call), given,
                       lambda one: store.without(one, "callId"))

    def transcripts(self, call: str, given: Json) -> Json:
        self._get("calls", call, "Call")
        found = self.world.of_call("transcripts", call)
        return {"data": [store.dated_transcript(one) for one in found]}

    def messages(self, given: Json) -> Json:
        wanted = set(given.get("to[all]", []))
        parties = [given[way] for way in ("from", "to") if way in given]
        ours = {one["phoneNumber"] for one in self.world.all("numbers")}
        found = (
            one for one in self._newest(
                "messages", given, [one for one in parties if one not in ours])
            if _same(one, given, "from", "status", "direction",
                     "phoneNumberId", "userId")
            and _one_of(given.get("to"), one["to"] if "to" in given else None)
            and (not wanted or set(one["to"]) == wanted)
            and _within(one, given, "createdAt"))
        return _streamed(found, given)

    def message(self, identifier: str, given: Json) -> Json:
        return {"data": self._get("messages", identifier, "Message")}

    def conversations(self, given: Json) -> Json:
        field, _, order = given.get("sort", "createdAt:desc").partition(":")
        found = [one for one in self.world.all("conversations")
                 if _same(one, given, "phoneNumberId")
                 and _one_of(one["phoneNumberId"],
                             given.get("phoneNumberId[in]"))
                 and _within(one, given, "createdAt")
                 and _within(one, given, "updatedAt")]
        found.sort(key=lambda one: one[field], reverse=order == "desc")
        return _listed(found, given,
                       lambda one: store.without(one, "assignedTo"))

    def numbers(self, given: Json) -> Json:
        found = [one for one in self.world.all("numbers")
                 if _same(one, given, "phoneNumber")]
        return _listed(found, given, lambda one: store.without(one, "users"))

    def number(self, identifier: str, given: Json) -> Json:
        number = self._get("numbers", identifier, "Phone number")
        return {"data": store.without(number, "users")}

    def number_users(self, identifier: str, given: Json) -> Json:
        number = self._get("numbers", identifier, "Phone number")
        return _listed([one for one in self.world.all("users")
                        if one["id"] in number["users"]], given)

    def users(self, given: Json) -> Json:
        return _listed(self.world.all("users"), given)

    def user(self, identifier: str, given: Json) -> Json:
        _US(identifier, "/userId")  # system actors (SYU…) cannot be read
        return {"data": self._get("users", identifier, "User")}

    def user_numbers(self, identifier: str, given: Json) -> Json:
        self.user(identifier, given)
        return _listed([store.without(one, "users")
                        for one in self.world.all("numbers")
                        if identifier in one["users"]], given)

    def contacts(self, given: Json) -> Json:
        found = [one for one in self.world.all("contacts")
                 if _one_of(one["externalId"], given.get("externalId[in]"))
                 and _one_of(one["source"], given.get("source[in]"))]
        return _listed(found, given,
                       lambda one: store.without(one, "properties"))

    def contact(self, identifier: str, given: Json) -> Json:
        contact = self._get("contacts", identifier, "Contact")
        return {"data": store.without(contact, "properties")}

    def contact_properties(self, identifier: str, given: Json) -> Json:
        contact = self._get("contacts", identifier, "Contact")
        return _listed([one for one in contact["properties"]
                        if _same(one, given, "type")], given)

    def organization(self, given: Json) -> Json:
        return {"data": self.world.organization}

    # --- v1 ---

    def v1_calls(self, given: Json) -> Json:
        if len(given["participants"]) > 1:
            raise Refused(400, "Too Many Participants", "/participants",
                          "0101400")
        self._check_member(given, "0101403")
        them = given["participants"][0]
        whose = given.get("userId") or self._owner()
        found = (one for one in self._newest("calls", given, [them])
                 if _same(one, given, "phoneNumberId")
                 and not store.is_group(one) and _v1_within(one, given)
                 and one["actorId"] == whose
                 and any(p["phoneNumber"] == them and not p["actorId"]
                         for p in one["participants"]))
        return _v1_streamed(found, given, store.v1_call)

    def _owner(self) -> str:
        """Whose calls are listed where nobody is named."""
        return next(one["id"] for one in self.world.all("users")
                    if one["role"] == "owner")

    def _check_member(self, given: Json, code: str) -> None:
        number = self.world.get("numbers", given["phoneNumberId"])
        user = given.get("userId")
        if number and user and user not in number["users"]:
            raise Refused(403, "Not Phone Number User", "/userId", code)

    def _v1_call(self, identifier: str) -> Json:
        _matching("AC.*")(identifier, "/callId")
        return self._get("calls", identifier, "Call")

    def v1_call(self, identifier: str, given: Json) -> Json:
        call = self._v1_call(identifier)
        if store.is_group(call):
            raise Refused(400, "Too Many Participants", "/participants",
                          "0101400")
        return {"data": store.v1_call(call)}

    def v1_recordings(self, call: str, given: Json) -> Json:
        self._v1_call(call)
        return {"data": [store.without(one, "callId")
                         for one in self.world.of_call("recordings", call)]}

    def v1_summary(self, call: str, given: Json) -> Json:
        found = self.world.of_call("summaries", call)
        if not found:
            raise not_found("Call summary")
        return {"data": store.v1_summary(found[0])}

    def v1_transcript(self, call: str, given: Json) -> Json:
        found = self.world.of_call("transcripts", call)
        if not found:
            raise not_found("Call transcript")
        return {"data": store.v1_transcript(self.world.get("calls", call),
                                            found)}

    def v1_voicemail(self, call: str, given: Json) -> Json:
        found = self.world.of_call("voicemails", call)
        if not found:
            raise not_found("Call voicemail")
        return {"data": store.without(found[0], "callId")}

    def v1_messages(self, given: Json) -> Json:
        self._check_member(given, "0204403")
        them = set(given["participants"])
        number = self.world.get("numbers", given["phoneNumberId"]) or {}
        found = (one for one in self._newest("messages", given,
                                             given["participants"][:1])
                 if _same(one, given, "phoneNumberId", "userId")
                 and _v1_within(one, given)
                 and {one["from"], *one["to"]} - {number.get("phoneNumber")}
                 == them)
        return _v1_streamed(found, given)

    def v1_message(self, identifier: str, given: Json) -> Json:
        return self.message(identifier, given)

    def v1_numbers(self, given: Json) -> Json:
        return {"data": [store.v1_number(self.world, one)
                         for one in self.world.all("numbers")
                         if "userId" not in given
                         or given["userId"] in one["users"]]}

    def v1_number(self, identifier: str, given: Json) -> Json:
        number = self._get("numbers", identifier, "Phone number")
        return {"data": store.v1_number(self.world, number)}

    def v1_users(self, given: Json) -> Json:
        return _v1_listed(self.world.all("users"), given)

    def v1_user(self, identifier: str, given: Json) -> Json:
        return self.user(identifier, given)

    def v1_contacts(self, given: Json) -> Json:
        found = [one for one in self.world.all("contacts")
                 if _one_of(one["externalId"], given.get("externalIds"))
                 and _one_of(one["source"], given.get("sources"))]
        return _v1_listed(found, given, store.v1_contact)

    def v1_contact(self, identifier: str, given: Json) -> Json:
        contact = self._get("contacts", identifier, "Contact")
        return {"data": store.v1_contact(contact)}

    def v1_conversations(self, given: Json) -> Json:
        lines = given.get("phoneNumbers", []) + _listing(
            given.get("phoneNumber"), [])
        ids = {one["id"] for one in self.world.all("numbers")
               if {one["id"], one["phoneNumber"]} & set(lines)}
        found = [one for one in self.world.all("conversations")
                 if (not lines or one["phoneNumberId"] in ids)
                 and _v1_within(one, given)
                 and _v1_within(one, given, "updated")]
        return _v1_listed(_newest_first(found), given)


# --- helpers ------------------------------------------------------------------

def _match(routes: list[tuple[str, str, str]], method: str,
           pieces: list[str]) -> tuple[str, list[str]]:
    for wanted_method, pattern, handler in routes:
        wanted = pattern.split("/")
        if len(wanted) == len(pieces) and all(
                want in ("{}", piece) for want, piece in zip(wanted, pieces)):
            if method != wanted_method:
                raise Refused(405, "Method Not Allowed")
            return handler, [piece for want, piece in zip(wanted, pieces)
                             if want == "{}"]
    raise not_found("Resource")


def _dated_refusal(error: Refused) -> Response:
    body: Json = {"title": TITLES.get(error.status, "Error"),
                  "message": error.message, "docs": "https://quo.com/docs",
                  "trace": TRACE}
    if error.path:
        body["message"] = "Validation failed for 1 field."
        body["errors"] = [{"path": error.path, "message": error.message}]
    return Response(error.status, body)


def _v1_refusal(error: Refused, resource: str) -> Response:
    code = _V1_RESOURCES.get(resource, "00") + f"00{error.status}"
    body: Json = {"message": error.message, "code": error.code or code,
                  "status": error.status, "docs": "https://openphone.com/docs",
                  "title": TITLES.get(error.status, "Error"), "trace": TRACE}
    if error.code:
        body["title"] = body["description"] = error.message
    if error.path:
        body["errors"] = [{"path": error.path, "message": error.message}]
    return Response(error.status, body)


def _same(one: Json, given: Json, *fields: str) -> bool:
    return all(one[field] == given[field] for field in fields if field in given)


def _listing(value: Any, default: Any = None) -> Any:
    return default if value is None else [value]


def _one_of(value: Any, wanted: list[Any] | None) -> bool:
    return wanted is None or value in wanted


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "gt": lambda a, b: a > b, "gte": lambda a, b: a >= b,
    "lt": lambda a, b: a < b, "lte": lambda a, b: a <= b}


def _within(one: Json, given: Json, field: str) -> bool:
    """field[gte] and its like; parameters() has refused the wrong ones."""
    return all(compare(moment(one[field]), given[f"{field}[{operator}]"])
               for operator, compare in _COMPARE.items()
               if f"{field}[{operator}]" in given)


def _v1_within(one: Json, given: Json, word: str = "created") -> bool:
    when = moment(one[word + "At"])
    before = [given[key] for key in (word + "Before", "since") if key in given]
    return (all(when < limit for limit in before)
            and (word + "After" not in given or when > given[word + "After"]))


def _newest_first(objects: list[Json]) -> list[Json]:
    return sorted(objects, key=lambda one: moment(one["createdAt"]),
                  reverse=True)


def _key(one: Json) -> tuple[Any, str]:
    return moment(one["createdAt"]), one["id"]


# A cursor of a list that goes on while it is read names the last object, and
# when it was given: it does not live long.
CURSOR_LIFE = 300


def _cursor(one: Json) -> str:
    when = f"{one['createdAt']} {one['id']} {time.time():.0f}"
    return base64.urlsafe_b64encode(when.encode()).decode()


def _place(given: Json) -> tuple[Any, str] | None:
    """Where the page before ended."""
    name = "after" if "after" in given else "pageToken"
    if name not in given:
        return None
    try:
        text = base64.urlsafe_b64decode(given[name]).decode()
        when, identifier, born = text.split(" ")
        if time.time() < int(born) + CURSOR_LIFE:
            return moment(when), identifier
    except ValueError:
        pass
    raise Refused(400, "must be a valid cursor", f"/query/{name}")


def _slice(items: Iterator[Json], size: int) -> tuple[list[Json], str | None]:
    page = list(itertools.islice(items, size + 1))
    more = len(page) > size
    return page[:size], _cursor(page[size - 1]) if more else None


def _streamed(items: Iterator[Json], given: Json,
              shown: Callable[[Json], Json] = dict) -> Json:
    page, cursor = _slice(items, given.get("limit", 10))
    return {"data": [shown(one) for one in page], "nextCursor": cursor}


def _v1_streamed(items: Iterator[Json], given: Json,
                 shown: Callable[[Json], Json] = dict) -> Json:
    page, token = _slice(items, given["maxResults"])
    return {"data": [shown(one) for one in page], "totalItems": len(page),
            "nextPageToken": token}


def _page(items: list[Json], size: int, token: str | None, where: str
          ) -> tuple[list[Json], str | None]:
    start = 0
    if token is not None:
        try:
            start = int(base64.urlsafe_b64decode(token))
        except ValueError:
            raise Refused(400, "must be a valid cursor", where) from None
    end = start + size
    more = end < len(items)
    return items[start:end], (base64.urlsafe_b64encode(b"%d" % end).decode()
                              if more else None)


def _listed(items: list[Json], given: Json,
            shown: Callable[[Json], Json] = dict) -> Json:
    page, cursor = _page(items, given.get("limit", 10), given.get("after"),
                         "/query/after")
    return {"data": [shown(one) for one in page], "nextCursor": cursor}


def _v1_listed(items: list[Json], given: Json,
               shown: Callable[[Json], Json] = dict) -> Json:
    page, token = _page(items, given["maxResults"], given.get("pageToken"),
                        "/query/pageToken")
    return {"data": [shown(one) for one in page], "totalItems": len(page),
            "nextPageToken": token}
