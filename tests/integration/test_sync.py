"""What ons-process writes, when, and under which name and title."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Stack, psql, texts, title

import deliver

pytestmark = [pytest.mark.sanitize, pytest.mark.usefixtures("known")]

LIFE = ("call.completed", "call.recording.completed",
        "call.transcript.completed", "call.summary.completed")


@pytest.fixture(scope="module", autouse=True)
def strict(stack: Stack) -> Any:
    """Nothing that these tests make the program send breaks a rule; and what
    those of other files left to be tried again is not sent among it."""
    psql(stack.env, "DELETE FROM job;")
    before = stack.control("GET", "/stats")["violations"]
    yield
    assert stack.control("GET", "/stats")["violations"] == before


def requests_to_notion(stack: Stack) -> int:
    return sum(stack.control("GET", "/stats")["counts"]["notion"].values())


def make_due(stack: Stack, key: str) -> None:
    """As if the time to wait were over."""
    psql(stack.env, "UPDATE job SET run_at = now() WHERE resource_id = :'id';",
         id=key)


@pytest.mark.parametrize("generation", ["v2", "v3", "v4", "2026-03-30"])
def test_a_settled_call_costs_one_request(stack: Stack, tmp_path: Path,
                                          generation: str) -> None:
    """The processor is at work after every event, and waits."""
    patient = stack.variant(tmp_path, sync__settle="1h")
    stack.process()
    suffix = stack.fresh()
    events = [stack.load(f"{generation}/{name}", suffix) for name in LIFE]
    key = deliver.resource_id(events[0])
    before = requests_to_notion(stack)
    for event in events:
        stack.send(event)
        stack.run("ons-process", "--drain", config=patient)
        [job] = stack.rows("SELECT * FROM v_jobs WHERE resource_id = :'id'",
                           id=key)
        assert (job["state"], job["attempts"]) == ("waiting", 0)
        assert "settle" in job["last_error"]
    assert requests_to_notion(stack) == before
    assert stack.rows("SELECT events FROM v_calls WHERE call_id = :'id'",
                      id=key) == [{"events": 4}]
    make_due(stack, key)
    stack.process()
    assert requests_to_notion(stack) == before + 1
    assert "Transcript" in texts(stack.page(key))


def test_a_call_settles_by_itself(stack: Stack, tmp_path: Path) -> None:
    """A short wait is waited for; what has a page does not wait any more."""
    brief = stack.variant(tmp_path, sync__settle="2s")
    suffix = stack.fresh()
    events = [stack.load(f"2026-03-30/{name}", suffix) for name in LIFE]
    key = deliver.resource_id(events[0])
    stack.send(events[0])
    stack.run("ons-process", "--drain", config=brief)
    assert stack.page(key)
    stack.send(*events[1:])
    stack.run("ons-process", "--drain", config=stack.variant(
        tmp_path, sync__settle="1h"))
    assert "Transcript" in texts(stack.page(key))


def test_a_call_without_deliveries_does_not_settle(
        stack: Stack, tmp_path: Path) -> None:
    """There is no delivery to count from, and nothing says that it is over."""
    key = "AC" + stack.fresh()
    stack.control("POST", "/openphone/calls", {"id": key})
    psql(stack.env, "SELECT job_due('default', 'call', :'id', 0);", id=key)
    stack.run("ons-process", "--drain", config=stack.variant(
        tmp_path, sync__settle="1h"))
    assert stack.page(key)


def test_messages_do_not_settle(stack: Stack, tmp_path: Path) -> None:
    event = stack.load("2026-03-30/message.received", stack.fresh())
    stack.send(event)
    stack.run("ons-process", "--drain", config=stack.variant(
        tmp_path, sync__settle="1h"))
    assert stack.page(deliver.resource_id(event))


def test_titles_by_templates(stack: Stack, tmp_path: Path) -> None:
    config = stack.variant(
        tmp_path, notion__call_title="{date} {outcome}: {who} ({line})",
        notion__message_title="{direction} {{{text}}}")
    events = [stack.load(f"2026-03-30/{name}", stack.fresh())
              for name in ("call.completed", "message.received")]
    stack.send(*events)
    stack.run("ons-process", "--drain", config=config)
    shown = [title(stack.page(deliver.resource_id(event)))
             for event in events]
    assert shown == ["2026-04-13 Answered: Jane Doe (Main)",
                     "incoming {Is the shop open on Easter Monday? 🐣}"]


# --- names ---

class Person:
    """A contact of the test's own, who calls and writes."""

    def __init__(self, stack: Stack, typed: str = "{}") -> None:
        self.stack = stack
        self.suffix = stack.fresh()
        self.id = f"CT{self.suffix}"
        self.number = f"+1555{int(self.suffix[1:]):07}"
        national = self.number[2:]
        self.typed = typed.format(self.number, national[:3], national[3:6],
                                  national[6:])
        self.told = 0

    def event(self, name: str, known: bool = True) -> dict[str, Any]:
        """A delivery of this person's; known: OpenPhone names the contact."""
        self.told += 1
        event = self.stack.load(name, f"{self.suffix}n{self.told}")
        text = json.dumps(event).replace("+15550001111", self.number)
        event = json.loads(text.replace("CTtest01", self.id))
        if not known:
            event["data"]["context"]["contacts"] = {
                "ids": [], "lookupStatus": "none"}
        return event

    def contact(self, first: str, deleted: bool = False) -> dict[str, Any]:
        """The event that tells the name, later than all before."""
        self.told += 1
        event = self.stack.load(
            f"2026-03-30/contact.{'deleted' if deleted else 'updated'}")
        event["id"] += f"-{self.suffix}-{self.told}"
        event["createdAt"] = f"2026-05-01T00:00:{self.told:02}.000Z"
        resource = event["data"]["resource"]
        resource |= {"id": self.id, "firstName": first, "lastName": "Roe",
                     "updatedAt": event["createdAt"],
                     "phoneNumbers": [{"value": self.typed,
                                       "type": "phone-number"}]}
        return event


def titles(stack: Stack, events: list[dict[str, Any]]) -> list[str]:
    return [title(stack.page(deliver.resource_id(event))) for event in events]


def relink(stack: Stack, *args: str) -> int:
    done = stack.run("onsctl", "--json", "relink", *args)
    return int(json.loads(done.stdout)["due"])


def only(stack: Stack, keys: set[str]) -> None:
    """Leave other tests' pages alone: their databases may be gone."""
    psql(stack.env, "DELETE FROM job WHERE resource_id <> ALL ("
         "string_to_array(:'keys', ' '));", keys=" ".join(keys))


@pytest.mark.parametrize("typed", ["{}", "({1}) {2}-{3}", "1 {1} {2} {3}"])
@pytest.mark.parametrize("known", [True, False])
def test_a_renamed_contact(stack: Stack, typed: str, known: bool) -> None:
    """Right on what is written later; on what was written before after
    relink, for which other people's pages are left alone."""
    person, other = Person(stack, typed), Person(stack)
    stack.send(person.contact("Ann"), other.contact("Olga"))
    stack.process()
    early = [person.event("2026-03-30/call.completed", known),
             person.event("2026-03-30/message.received", known)]
    others = [other.event("2026-03-30/message.received")]
    stack.send(*early, *others)
    stack.process()
    assert all("Ann Roe" in shown for shown in titles(stack, early))

    stack.send(person.contact("Anna"))
    stack.process()
    late = [person.event("2026-03-30/call.completed", known)]
    stack.send(*late)
    stack.process()
    assert "Anna Roe" in titles(stack, late)[0]
    assert all("Ann Roe" in shown for shown in titles(stack, early))

    keys = {deliver.resource_id(event) for event in early}
    found = relink(stack)
    due = stack.rows("SELECT resource_id, priority FROM v_jobs")
    assert len(due) == found
    assert {job["priority"] for job in due} == {20}
    due = {job["resource_id"] for job in due}
    assert keys <= due
    assert not due & {deliver.resource_id(event) for event in late + others}
    only(stack, keys)
    stack.process()
    assert all("Anna Roe" in shown for shown in titles(stack, early))
    page = stack.page(deliver.resource_id(early[0]))
    assert "Anna Roe" in json.dumps(page["properties"]["With"])
    assert "Olga Roe" in titles(stack, others)[0]
    relink(stack)
    assert not keys & {job["resource_id"] for job in
                       stack.rows("SELECT resource_id FROM v_jobs")}
    only(stack, set())


@pytest.mark.parametrize("before", ["", "x"])
def test_long_names_in_any_script(stack: Stack, before: str) -> None:
    """Of a name, or what stands in the place of a number, nothing is cut in
    the middle of a character: neither is lost by that."""
    person = Person(stack)
    told = person.contact(before + "Ж" * 200)
    told["data"]["resource"]["phoneNumbers"].append(
        {"value": before + "вечерами, лучше после семи", "type": "text"})
    stack.send(told)
    stack.process()
    event = person.event("2026-03-30/message.received", known=False)
    stack.send(event)
    stack.process()
    assert "ЖЖЖЖ" in title(stack.page(deliver.resource_id(event)))


def test_who_is_relinked(stack: Stack) -> None:
    person = Person(stack)
    stack.send(person.contact("Ann"))
    stack.process()
    events = [person.event("2026-03-30/call.completed"),
              person.event("2026-03-30/message.received", known=False)]
    stack.send(*events)
    stack.process()
    keys = [deliver.resource_id(event) for event in events]
    assert relink(stack, keys[0]) == 1
    assert relink(stack, *keys) == 2
    assert relink(stack, person.id) == 2
    national = person.number[2:]
    assert relink(stack, f"({national[:3]}) {national[3:]}") == 2
    assert relink(stack, "CTnobody") == 0
    # both of them are of April 13
    assert relink(stack, "--since", "2026-04-13", person.id) == 2
    assert relink(stack, "--since", "2026-04-14", person.id) == 0
    assert relink(stack, "--all") == stack.rows(
        "SELECT count(*) FROM resource r LEFT JOIN page p"
        " ON (p.workspace, p.kind, p.resource_id)"
        " = (r.workspace, r.kind, r.id) WHERE r.kind <> 'contact'"
        " AND p.state IS DISTINCT FROM 'trashed'")[0]["count"]
    for wrong in (["--since", "tomorrow"], ["--since", "2026-02-30"],
                  ["--all", keys[0]], ["--nonsense"]):
        assert stack.run("onsctl", "relink", *wrong,
                         expect=64).stdout == ""
    only(stack, set(keys))
    before = requests_to_notion(stack)
    stack.process()
    assert requests_to_notion(stack) == before  # nothing had changed


def test_a_deleted_contact_keeps_its_name(stack: Stack) -> None:
    person = Person(stack)
    stack.send(person.contact("Ann"))
    stack.process()
    stack.send(person.contact("Ann", deleted=True))
    stack.process()
    event = person.event("2026-03-30/message.received")
    stack.send(event)
    stack.process()
    assert "Ann Roe" in titles(stack, [event])[0]


def test_status_tells_requests_for_each_page(stack: Stack) -> None:
    def told() -> Any:
        said = json.loads(stack.run("onsctl", "--json", "status").stdout)
        return said["workspaces"][0]
    stack.process()
    before = told()
    stack.send(stack.load("2026-03-30/message.received", stack.fresh()))
    stack.process()
    lines, after = stack.run("onsctl", "status").stdout, told()
    pages, things = after["pages_written_today"], after["resources_today"]
    assert pages == before["pages_written_today"] + 1
    assert things == before["resources_today"] + 1
    asked = {one["service"]: one["requests_today"]
             for one in after["services"]}
    assert f"{asked['notion'] / pages:.2f} for each page written" in lines
    assert f"{asked['openphone'] / things:.2f} for each call or message" \
        in lines


# --- a database of contacts ---

def columns(stack: Stack, key: str) -> dict[str, Any]:
    """A page's values, as a person reads them."""
    shown = {}
    for name, value in stack.page(key)["properties"].items():
        inner = value[value["type"]]
        if value["type"] in ("title", "rich_text"):
            inner = "".join(item["plain_text"] for item in inner)
        if value["type"] == "relation":
            inner = [one["id"] for one in inner]
        shown[name] = inner
    return shown


def page_id(stack: Stack, key: str) -> str:
    [row] = stack.rows("SELECT page_id FROM v_pages WHERE resource_id = :'id'",
                       id=key)
    return str(row["page_id"])


def test_contacts_have_pages(stack: Stack, keep_destinations: None) -> None:
    psql(stack.env, "DELETE FROM destination;")
    done = stack.run("onsctl", "init", "--contacts")
    assert done.stdout.count(": made database") == 3
    assert "left out" not in done.stdout
    assert stack.run("onsctl", "init").stdout.count(": using") == 3

    person = Person(stack)
    stack.send(person.contact("Ann"))
    stack.process()
    shown = columns(stack, person.id)
    assert (shown["Name"], shown["Company"], shown["Phone"], shown["Phones"],
            shown["Email"], shown["Deleted"], shown["OpenPhone ID"]) == (
        "Ann Roe", "Acme", person.number, person.number,
        "jane@example.com", False, person.id)

    for known in (True, False):
        for name in ("call.completed", "message.received"):
            event = person.event(f"2026-03-30/{name}", known)
            stack.send(event)
            stack.process()
            assert columns(stack, deliver.resource_id(event))[
                "Contact page"] == [page_id(stack, person.id)]

    before = page_id(stack, person.id)
    stack.send(person.contact("Anna"))
    stack.process()
    assert columns(stack, person.id)["Name"] == "Anna Roe"
    stack.send(person.contact("Anna", deleted=True))
    stack.process()
    shown = columns(stack, person.id)
    assert shown["Deleted"] is True and shown["Name"] == "Deleted: Anna Roe"
    assert page_id(stack, person.id) == before
    # ... and restored
    stack.send(person.contact("Anna"))
    stack.process()
    shown = columns(stack, person.id)
    assert shown["Deleted"] is False and shown["Name"] == "Anna Roe"

    # deleted before anybody knew of it: nothing to be made
    stranger = Person(stack)
    stack.send(stranger.contact("Olga", deleted=True))
    stack.process()
    assert stack.rows("SELECT FROM v_pages WHERE resource_id = :'id'",
                      id=stranger.id) == []


@pytest.mark.parametrize("lines", [2, 600])
def test_who_only_speaks_is_relinked(stack: Stack, lines: int) -> None:
    """Many lines are kept as text (model/lines.h)."""
    person = Person(stack)
    user = f"US{person.suffix}"
    event = person.event("2026-03-30/call.transcript.completed")
    event["data"]["resource"]["dialogue"] = [
        {"content": f"#{number}", "start": number, "end": number + 1,
         "identifier": "+15550009999", "userId": user if number else None}
        for number in range(lines)]
    stack.send(event)
    stack.process()
    assert relink(stack, user) == 1
    assert relink(stack, f"{user}x") == 0
    assert relink(stack, "+1 555 000 9999") >= 1
    only(stack, set())


def test_a_contact_without_deliveries_gets_a_page(
        stack: Stack, keep_destinations: None) -> None:
    """OpenPhone is asked for it when it calls; relink adds the link."""
    psql(stack.env, "DELETE FROM destination;")
    stack.run("onsctl", "init", "--contacts")
    person = Person(stack)
    stack.control("POST", "/openphone/contacts", {
        "id": person.id, "firstName": "Ann", "lastName": "Roe",
        "phoneNumbers": [person.number]})
    event = person.event("2026-03-30/message.received")
    key = deliver.resource_id(event)
    stack.send(event)
    stack.process()
    assert columns(stack, person.id)["Phone"] == person.number
    relink(stack)
    only(stack, {key})
    stack.process()
    assert columns(stack, key)["Contact page"] == [page_id(stack, person.id)]


def test_databases_without_the_relation_are_kept(
        stack: Stack, keep_destinations: None) -> None:
    """Contacts may come later: an existing database has no such column."""
    before = stack.rows("SELECT kind, database_id FROM destination")
    made = stack.run("onsctl", "init", "--contacts").stdout
    assert made.count("left out: Contact page") == 2
    after = stack.rows("SELECT kind, database_id FROM destination")
    assert len(after) == 3 and all(row in after for row in before)
    [contacts] = [row["database_id"] for row in after if row not in before]
    # the same one again, now by name
    assert contacts in stack.run("onsctl", "init", "--contacts",
                                 contacts).stdout
    person = Person(stack)
    stack.send(person.contact("Ann"))
    stack.process()
    event = person.event("2026-03-30/message.received")
    stack.send(event)
    stack.process()
    assert title(stack.page(person.id)) == "Ann Roe"
    assert "Contact page" not in columns(stack, deliver.resource_id(event))


def test_another_database_gets_pages_of_its_own(
        stack: Stack, keep_destinations: None) -> None:
    """What is due after a change of the database is written there anew; the
    page in the old one is left alone."""
    person = Person(stack)
    event = person.event("2026-03-30/message.received")
    key = deliver.resource_id(event)
    stack.send(event)
    stack.process()
    old = page_id(stack, key)
    psql(stack.env, "DELETE FROM destination WHERE kind = 'message'")
    stack.run("onsctl", "init")
    relink(stack, key)
    stack.process()
    assert stack.rows("SELECT FROM v_jobs WHERE resource_id = :'id'",
                      id=key) == []
    assert page_id(stack, key) != old
    assert texts(stack.page(key)) != ""
    assert not stack.control("GET", f"/notion/pages/{old}")["in_trash"]
