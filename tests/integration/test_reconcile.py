"""onsctl reconcile: everything is there, and once; also after our database was
lost, or is yesterday's.

ONS_TEST_PAGES is the number of pages under a lost database (default 120).
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import deliver
import pytest
from conftest import Stack, psql, request, texts, title
from proof import (LIFE, SMS, History, alone, api, arrive, call, copy_of,
                   database, each_has_one_page, found, in_notion, in_tables,
                   jobs, lives, lose_all, notion, reconcile)

assert alone  # a fixture
pytestmark = [pytest.mark.sanitize, pytest.mark.usefixtures("alone")]

EX_DIFFERS, EX_USAGE, EX_TEMPFAIL, EX_NOPERM = 1, 64, 75, 77
# ---- what agrees, and what does not ----

def test_all_agrees(stack: Stack) -> None:
    for name in (LIFE[0], LIFE[0], SMS):
        arrive(stack, name)
    report = reconcile(stack)
    assert (report["complete"], report["open"], report["repaired"],
            report["findings"]) == (True, 0, 0, [])
    done = stack.run("onsctl", "reconcile", "--notion")
    assert done.stdout == "complete: pages of 2 calls, 1 messages, " \
        "0 contacts; 0 repaired\n"
    [row] = stack.rows("SELECT summary, run FROM chore"
                       " WHERE name = 'reconcile'")
    assert row == {"summary": done.stdout.strip(), "run": None}


def test_a_removed_page_is_noted(stack: Stack) -> None:
    key = call(stack)
    page = in_tables(stack, key)
    stack.control("POST", f"/notion/pages/{page['page_id']}/trash", {})
    report = reconcile(stack, expect=EX_DIFFERS)
    assert found(report) == [("missing", key, False)]
    assert in_tables(stack, key) == page
    report = reconcile(stack, "--repair")
    assert found(report) == [("missing", key, True)]
    assert in_tables(stack, key)["state"] == "trashed"
    assert jobs(stack) == 0
    assert reconcile(stack)["findings"] == []
    # ... and put back
    stack.control("POST", f"/notion/pages/{page['page_id']}/trash",
                  {"in_trash": False})
    assert found(reconcile(stack, "--repair")) == [("restored", key, True)]
    stack.process()
    assert in_tables(stack, key)["state"] == "written"
    assert len(in_notion(stack, key)) == 1


def test_a_removed_page_comes_anew_where_that_is_wanted(
        stack: Stack, tmp_path: Path) -> None:
    again = stack.variant(tmp_path, notion__trashed="recreate")
    key = call(stack)
    old = in_tables(stack, key)
    stack.control("POST", f"/notion/pages/{old['page_id']}/trash", {})
    reconcile(stack, "--repair", config=again)
    stack.run("ons-process", "--drain", config=again)
    new = in_tables(stack, key)
    assert new["state"] == "written" and new["page_id"] != old["page_id"]
    assert reconcile(stack, config=again)["findings"] == []


def test_a_list_that_leaves_a_page_out_is_not_believed(stack: Stack) -> None:
    key = call(stack)
    stack.control("POST", "/lag", {"seconds": 3600})
    try:
        report = reconcile(stack, "--repair")
    finally:
        stack.control("POST", "/lag", {"seconds": 0})
    assert report["findings"] == [] and " 0 calls" in report["summary"]
    assert in_tables(stack, key)["state"] == "written"


def test_archived_pages_are_there(stack: Stack) -> None:
    key = call(stack)
    notion(stack, "PATCH", f"pages/{in_tables(stack, key)['page_id']}",
           {"is_archived": True})
    assert reconcile(stack, "--repair")["findings"] == []


def test_a_second_page_is_a_persons_to_judge(stack: Stack) -> None:
    key = call(stack)
    ours = in_tables(stack, key)
    url = copy_of(stack, key)
    for _ in range(2):
        report = reconcile(stack, "--repair", expect=EX_DIFFERS)
        assert found(report) == [("doubled", key, False)]
        assert report["findings"][0]["url"] == url
    assert in_tables(stack, key) == ours
    done = stack.run("onsctl", "reconcile", "--notion", expect=EX_DIFFERS)
    assert url in done.stdout and done.stdout.endswith(
        "not complete: pages of 1 calls, 0 messages, 0 contacts; "
        "0 repaired, 1 not\n")


def test_an_id_that_was_changed_comes_back(stack: Stack) -> None:
    key = call(stack)
    page = in_tables(stack, key)
    notion(stack, "PATCH", f"pages/{page['page_id']}", {"properties": {
        "OpenPhone ID": {"rich_text": []}}})
    assert found(reconcile(stack, "--repair")) == [("renamed", key, True)]
    stack.process()
    assert [one["id"] for one in in_notion(stack, key)] == [page["page_id"]]
    assert reconcile(stack)["findings"] == []


def test_what_was_never_written_is(stack: Stack) -> None:
    """Its job is gone, by whatever accident."""
    key = call(stack)
    stack.control("POST", "/faults", {
        "service": "notion", "method": "POST", "path": "/v1/pages",
        "status": 400, "times": 2})
    other, _ = arrive(stack, LIFE[0])
    stack.control("DELETE", "/faults")
    psql(stack.env, "DELETE FROM job;")
    assert found(reconcile(stack, expect=EX_DIFFERS)) == \
        [("unwritten", other, False)]
    assert jobs(stack) == 0
    assert found(reconcile(stack, "--repair")) == [("unwritten", other, True)]
    stack.process()
    assert reconcile(stack)["complete"]
    assert len(in_notion(stack, other)) == len(in_notion(stack, key)) == 1


def test_all_is_compared_however_much_there_is(stack: Stack) -> None:
    """It is done in slices of 1,000 ids; these are on both ends."""
    doubled, removed = call(stack), call(stack)
    url = copy_of(stack, doubled)
    stack.control("POST", "/notion/pages/"
                  f"{in_tables(stack, removed)['page_id']}/trash", {})
    psql(stack.env, "INSERT INTO resource (workspace, kind, id, facts, times)"
         " SELECT 'default', 'call', side || lpad(n::text, 4, '0'),"
         " '{\"id\": \"\"}', '{}'"
         " FROM generate_series(1, 1250) n, (VALUES ('AA'), ('ZZ')) s (side);")
    report = reconcile(stack, expect=EX_DIFFERS)
    assert report["open"] == 2502
    assert found(report)[:2] == [("doubled", doubled, False),
                                 ("missing", removed, False)]
    assert report["findings"][0]["url"] == url


def test_rows_of_ones_own_are_nobodys_business(stack: Stack) -> None:
    copy_of(stack, "")
    assert reconcile(stack, "--repair")["findings"] == []


# ---- a database that was lost ----

def test_all_pages_are_adopted(stack: Stack) -> None:
    all_ = lives(stack, int(os.environ.get("ONS_TEST_PAGES", "120")))
    lose_all(stack)
    report = reconcile(stack, expect=EX_DIFFERS)
    assert (report["open"], report["repaired"]) == (len(all_), 0)
    report = reconcile(stack, "--repair")
    assert (report["open"], report["repaired"]) == (0, len(all_))
    assert {one[0] for one in found(report)} == {"unknown"}
    assert jobs(stack) == 0
    for begin in range(0, len(all_), 500):
        stack.send(*[event for _, events in all_[begin:begin + 500]
                     for event in events])
        stack.process()
    each_has_one_page(stack, all_)
    key = all_[1][0]
    assert "Transcript" in texts(stack.page(key))
    assert reconcile(stack)["findings"] == []


def test_events_that_come_first_make_no_second_page(stack: Stack) -> None:
    """Nobody has thought of reconcile yet."""
    all_ = lives(stack, 8)
    lose_all(stack)
    stack.send(*[event for _, events in all_ for event in events])
    stack.process()
    each_has_one_page(stack, all_)
    new = call(stack)
    assert len(in_notion(stack, new)) == 1
    assert reconcile(stack, "--repair")["findings"] == []


def test_what_people_wrote_on_an_adopted_page_stays(stack: Stack) -> None:
    [_, (key, events)] = lives(stack, 2)
    page = in_tables(stack, key)["page_id"]
    stack.control("POST", f"/notion/pages/{page}/blocks", [
        {"paragraph": {"rich_text": [{"text": {"content": "Mine."}}]}}])
    lose_all(stack)
    stack.send(*events)
    stack.process()
    body = texts(stack.page(key)).split("\n")
    assert body.count("Mine.") == 1
    assert body.count("Transcript") == 1


def test_looking_first_costs_only_until_all_are_known(stack: Stack) -> None:
    lives(stack, 2)
    lose_all(stack)

    def queries() -> int:
        return stack.rows("SELECT sum(requests)::int AS n FROM usage"
                          " WHERE service = 'notion'")[0]["n"]

    before = queries()
    call(stack)
    assert queries() - before == 3
    reconcile(stack, "--repair")
    before = queries()
    call(stack)
    assert queries() - before == 1


def test_a_database_of_yesterday(stack: Stack) -> None:
    """The restored one does not know the last pages; it is recognised as
    another one than the one that made them."""
    old, young = lives(stack, 4)[:2], lives(stack, 4)
    keys = "','".join(key for key, _ in young)
    psql(stack.env, f"DELETE FROM page WHERE resource_id IN ('{keys}');"
         f"DELETE FROM resource WHERE id IN ('{keys}');"
         f"DELETE FROM event WHERE resource_id IN ('{keys}');"
         "UPDATE destination SET known_in = '1' || known_in;")
    stack.send(*young[0][1], *young[1][1])
    stack.process()
    each_has_one_page(stack, young[:2])
    report = reconcile(stack, "--repair")
    assert sorted(found(report)) == sorted(
        ("unknown", key, True) for key, _ in young[2:])
    stack.send(*[event for _, events in young for event in events])
    stack.process()
    each_has_one_page(stack, old + young)
    assert reconcile(stack)["findings"] == []


def test_of_two_unknown_pages_the_older_is_ours(stack: Stack) -> None:
    key = call(stack)
    ours = in_tables(stack, key)
    url = copy_of(stack, key)
    lose_all(stack)
    report = reconcile(stack, "--repair", expect=EX_DIFFERS)
    assert sorted(found(report)) == [("doubled", key, False),
                                     ("unknown", key, True)]
    urls = {one["what"]: one["url"] for one in report["findings"]}
    # made within a minute they are equally old
    assert set(urls.values()) == {ours["url"], url}


# ---- what OpenPhone has ----

def test_what_was_not_delivered_is_brought_in(stack: Stack) -> None:
    """Nearly a third of the deliveries were dropped, and in the end there was
    no subscription any more."""
    history = History(stack)
    events = [history.call() if number % 2 else history.message()
              for number in range(120)]
    kept = [event for number, event in enumerate(events)
            if number % 10 not in (2, 3, 7) and number < 90]
    missed = len(events) - len(kept)
    stack.send(*kept, connections=4)
    stack.process()
    assert len(history.pages()) == len(kept)

    report = reconcile(stack, *history.range, expect=EX_DIFFERS)
    assert (report["open"], report["repaired"]) == (missed, 0)
    assert {one[0] for one in found(report)} == {"lost"}
    assert jobs(stack) == 0
    assert stack.count("resource") == len(kept)

    done = stack.run("onsctl", "reconcile", *history.range, "--repair")
    assert done.stdout.endswith(
        f"complete from {history.day} 00:00 to "
        f"{history.day + timedelta(days=1)} 00:00 UTC: 60 calls, "
        f"60 messages; {missed} repaired\n")
    stack.process()
    assert history.is_complete()
    report = reconcile(stack, *history.range)
    assert (report["open"], report["repaired"]) == (0, 0)
    assert jobs(stack) == 0


def test_what_was_delivered_in_part_is_completed(stack: Stack) -> None:
    """The first delivery came, the one that tells the end did not."""
    history = History(stack)
    sent = history.message(direction="outgoing", status="sent",
                           **{"from": history.ours, "to": [history.theirs]})
    ringing = history.call()
    ringing["data"]["resource"].update(
        status="ringing", completedAt=None, answeredAt=None, duration=None)
    ringing["type"] = "call.ringing"
    stack.send(sent, ringing)
    stack.process()
    [message, call] = history.ids
    stack.control("POST", "/openphone/messages",
                  {"id": message, "status": "delivered",
                   "updatedAt": f"{history.day}T22:00:00.000Z"})
    report = reconcile(stack, *history.range, expect=EX_DIFFERS)
    assert sorted(found(report)) == [("outdated", message, False),
                                     ("outdated", call, False)]
    report = reconcile(stack, *history.range, "--repair")
    assert (report["open"], report["repaired"]) == (0, 2)
    stack.process()
    assert history.is_complete()
    assert reconcile(stack, *history.range)["findings"] == []


def test_what_is_on_its_way_is_not_missing(stack: Stack) -> None:
    history = History(stack)
    stack.send(history.call(), history.message())
    report = reconcile(stack, *history.range)
    assert report["findings"] == []


def test_with_the_lists_of_v1(stack: Stack, tmp_path: Path) -> None:
    v1 = stack.variant(tmp_path, openphone__api_base=api(stack) + "/v1")
    history = History(stack)
    events = [history.call() if number % 2 else history.message()
              for number in range(12)]
    stack.send(*events[:5])
    stack.process()
    report = reconcile(stack, *history.range, "--repair", config=v1)
    assert (report["open"], report["repaired"]) == (0, 7)
    stack.run("ons-process", "--drain", config=v1)
    assert history.is_complete()
    assert reconcile(stack, *history.range, config=v1)["findings"] == []


def test_a_lost_database_is_filled_again(stack: Stack) -> None:
    """Pages, and OpenPhone, are all that is left."""
    history = History(stack)
    stack.send(*[history.call() for _ in range(5)],
               *[history.message() for _ in range(5)])
    stack.process()
    lose_all(stack)
    report = reconcile(stack, *history.range, "--repair")
    assert (report["open"], report["repaired"]) == (0, 20)
    stack.process()
    assert history.is_complete()


# ---- what OpenPhone could not deliver ----

class Log:
    """A webhook that delivers to us, and what OpenPhone says of it."""

    def __init__(self, stack: Stack, path: str = "/webhooks/openphone",
                 **more: Any) -> None:
        self.stack = stack
        self.id = self.ask("POST", "", {
            "url": stack.url + path, "events": ["call.completed"], **more})[
                "data"]["id"]

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        answer = request(
            api(self.stack) + "/webhooks" + path, method,
            None if body is None else json.dumps(body).encode(),
            {"Authorization": self.stack.env["OPENPHONE_API_KEY"],
             "Quo-Api-Version": "2026-03-30"})
        assert answer.status < 300, answer.body
        return answer.json if answer.body else None

    def add(self, envelope: dict[str, Any], hours: float, answer: int = 502,
            status: str = "failed", **more: Any) -> str:
        made = datetime.now(timezone.utc) - timedelta(hours=hours)
        return self.stack.control("POST", "/openphone/deliveries", {
            "webhook": self.id, "envelope": envelope, "status": status,
            "answer": answer, **more,
            "created": made.isoformat(timespec="milliseconds")})["id"]


@pytest.fixture
def log(stack: Stack) -> Iterator[Callable[..., Log]]:
    made: list[Log] = []

    def make(**more: Any) -> Log:
        made.append(Log(stack, **more))
        return made[-1]

    yield make
    for one in made:
        one.ask("DELETE", "/" + one.id)


def updated(stack: Stack) -> dict[str, Any]:
    """News of a contact, which no list tells."""
    key = f"CT{stack.fresh()}"
    event = stack.load("2026-03-30/contact.updated")
    event["id"] += key
    event["data"]["resource"].update(id=key, firstName=key)
    stack.control("POST", "/openphone/contacts", {"id": key})
    return event


@pytest.fixture
def today(stack: Stack) -> Iterator[History]:
    history = History(stack, datetime.now(timezone.utc) - timedelta(hours=9))
    yield history
    history.forget()


@pytest.mark.parametrize("body", ["text", "object"])
def test_what_could_not_be_delivered_is_taken_from_the_log(
        stack: Stack, log: Callable[..., Log], body: str) -> None:
    delivered = log()
    events = [updated(stack) for _ in range(60)]
    ids = [deliver.resource_id(event) for event in events]
    for number, event in enumerate(events):
        delivered.add(event, 40 - number / 2, 500 if number < 59 else 502,
                      body=body)
    for event in (updated(stack), updated(stack)):
        delivered.add(event, 0.01)  # on its way, perhaps
        delivered.add(event, 1, status="pending")
        delivered.add(event, 72)
    report = reconcile(stack, "--since", "2d", expect=EX_DIFFERS)
    assert sorted(found(report)) == sorted(
        ("undelivered", key, False) for key in ids)
    assert report["deliveries"].startswith(
        "OpenPhone could not deliver 60 events from ")
    assert report["deliveries"].endswith(": last answer 502")
    assert stack.count("event") == 0 and jobs(stack) == 0

    done = stack.run("onsctl", "reconcile", "--since", "2d", "--repair")
    assert "\nOpenPhone could not deliver 60 events from " in done.stdout
    assert done.stdout.endswith("; 60 repaired\n")
    assert stack.count("event") == 60
    stack.process()
    assert stack.rows("SELECT id FROM resource WHERE facts ->> 'firstName'"
                      " <> id OR facts ->> 'firstName' IS NULL") == []
    assert stack.count("resource") == 60
    report = reconcile(stack, "--since", "2d")
    assert (report["findings"], report["deliveries"]) == ([], "")


def test_what_was_delivered_and_lost_here_is_taken_from_the_log(
        stack: Stack, log: Callable[..., Log], today: History) -> None:
    """As after the restoration of a backup; also where the log has no
    bodies, and for a resource of which a list tells anyway."""
    delivered = log()
    delivered.add(today.call(), 9, 200, "success")
    there, [message, lost] = updated(stack), (
        [stack.load(SMS, stack.fresh()) for _ in range(2)])
    delivered.add(there, 8, 200, "success")
    arrived = updated(stack)
    key = delivered.add(arrived, 8, 200, "success")
    body = json.dumps(arrived).encode()
    assert stack.request("POST", "/webhooks/openphone", body, {
        "Content-Type": "application/json", **deliver.sign_standard(
            stack.env["ONS_WEBHOOK_SECRET"], body, key, time.time())
    }).status == 200
    delivered.add(message, 7, 200, "success", body="none")
    delivered.add(lost, 6, 0, body="none")
    stack.control("POST", "/openphone/messages", {
        "id": deliver.resource_id(message), "text": "Found.",
        "createdAt": "2026-04-01T00:00:00Z"})
    report = reconcile(stack, "--since", "2d", expect=EX_DIFFERS)
    assert sorted(found(report)) == sorted([
        ("lost", today.ids[0], False)] + [
        ("undelivered", deliver.resource_id(event), False)
        for event in (there, message, lost)])
    assert report["deliveries"].startswith(
        "OpenPhone could not deliver 1 events, and 3 that it delivered are"
        " not here, from ") and report["deliveries"].endswith(": no answer")
    report = reconcile(stack, "--since", "2d", "--repair")
    assert report["repaired"] == 4
    assert stack.count("event") == 5
    stack.process()
    [row] = stack.rows("SELECT facts ->> 'text' AS text FROM resource"
                       " WHERE id = :'id'", id=deliver.resource_id(message))
    assert row == {"text": "Found."}
    assert reconcile(stack, "--since", "2d", expect=None)["findings"] == []


def test_why_there_is_no_log_is_told(
        stack: Stack, tmp_path: Path, log: Callable[..., Log]) -> None:
    def told(config: Path | None = None) -> str:
        report = reconcile(stack, "--since", "1d", config=config)
        return report["deliveries"]

    log(path="/of-somebody-else")
    assert told().startswith("no webhook of OpenPhone's dated API delivers")
    log(status="disabled")
    assert told().endswith("/webhooks/openphone is disabled")
    log()
    assert told() == ""
    v1 = stack.variant(tmp_path, openphone__api_base=api(stack) + "/v1")
    assert "v1" in told(v1)
    assert "base_url" in told(stack.variant(
        tmp_path, media__base_url="nowhere"))
    for path in ("/webhooks$", "/events"):
        for status, said in (403, "ж" * 200), (403, "x" + "ж" * 200), (404, ""):
            stack.control("POST", "/faults", {
                "service": "openphone", "method": "GET", "path": path,
                "status": status, "body": {"message": said}})
            assert told().startswith(
                "OpenPhone's delivery log is not to be had: ")


def test_trouble_with_the_log_passes(
        stack: Stack, log: Callable[..., Log]) -> None:
    delivered = log()
    delivered.add(updated(stack), 2)
    for path in ("/webhooks$", r"/events\?", "/events/msg"):
        for fault in ({"status": 429, "headers": {"Retry-After": "1"}},
                      {"status": 503}):
            stack.control("POST", "/faults", {
                "service": "openphone", "method": "GET", "path": path,
                **fault})
    report = reconcile(stack, "--since", "1d", "--repair")
    assert report["repaired"] == 1 and stack.count("event") == 1


def test_what_retention_has_removed_is_not_missing(
        stack: Stack, tmp_path: Path, log: Callable[..., Log]) -> None:
    log().add(updated(stack), 30)
    brief = stack.variant(tmp_path, retention__events="1d")
    assert reconcile(stack, "--since", "2d", config=brief)["findings"] == []
    reconcile(stack, "--since", "2d", expect=EX_DIFFERS)


# ---- what OpenPhone has no longer ----

def delete(stack: Stack, kind: str, key: str) -> dict[str, Any]:
    return stack.control("DELETE", f"/openphone/{kind}/{key}")


def deleted(stack: Stack) -> set[str]:
    return {row["id"] for row in stack.rows(
        "SELECT id FROM resource WHERE facts -> 'deleted' = 'true'")}


def three(stack: Stack) -> History:
    """Two calls and a message that have pages."""
    history = History(stack)
    stack.send(history.call(), history.call(), history.message())
    stack.process()
    return history


def test_what_was_deleted_is_marked(stack: Stack) -> None:
    history = three(stack)
    [call, other, message] = history.ids
    before = {key: title(stack.page(key)) for key in history.ids}
    icon = stack.page(call)["icon"]
    gone = delete(stack, "calls", call)
    delete(stack, "messages", message)

    report = reconcile(stack, *history.range, expect=EX_DIFFERS)
    assert sorted(found(report)) == [("deleted", call, False),
                                     ("deleted", message, False)]
    assert deleted(stack) == set() and jobs(stack) == 0

    report = reconcile(stack, *history.range, "--repair")
    assert (report["open"], report["repaired"]) == (0, 2)
    assert deleted(stack) == {call, message}
    assert stack.rows("SELECT count(deleted_at) AS calls, (SELECT"
                      " count(deleted_at) FROM v_messages) AS messages"
                      " FROM v_calls") == [{"calls": 1, "messages": 1}]
    stack.process()
    for key in (call, message):
        assert title(stack.page(key)) == "Deleted: " + before[key]
        assert stack.page(key)["icon"]["emoji"] == "🗑️"
    assert title(stack.page(other)) == before[other]
    report = reconcile(stack, *history.range)
    assert report["findings"] == [] and jobs(stack) == 0

    # ... and it is there again
    stack.control("POST", "/openphone/calls", gone)
    report = reconcile(stack, *history.range, expect=EX_DIFFERS)
    assert found(report) == [("returned", call, False)]
    assert deleted(stack) == {call, message}
    reconcile(stack, *history.range, "--repair")
    stack.process()
    assert deleted(stack) == {message}
    assert title(stack.page(call)) == before[call]
    assert stack.page(call)["icon"] == icon
    assert reconcile(stack, *history.range)["findings"] == []


def test_a_list_of_openphones_is_not_believed_either(stack: Stack) -> None:
    history = three(stack)
    stack.control("POST", "/faults", {
        "service": "openphone", "path": r"/(calls|messages)\?", "times": -1,
        "status": 200, "body": {"data": [], "nextCursor": None}})
    try:
        report = reconcile(stack, *history.range, "--repair")
    finally:
        stack.control("DELETE", "/faults")
    assert report["findings"] == [] and " 0 calls" in report["summary"]
    assert deleted(stack) == set()


@pytest.mark.parametrize("refusal", [
    {"status": 404, "body": "<html>Not Found</html>"},
    {"status": 403}, {"status": 400}])
def test_only_a_plain_answer_says_that_it_is_deleted(
        stack: Stack, refusal: dict[str, Any]) -> None:
    """A list leaves a call out, and the call itself is not to be seen."""
    history = three(stack)
    delete(stack, "calls", history.ids[0])
    fault = {"service": "openphone", "method": "GET",
             "path": f"/calls/{history.ids[0]}", "times": 100, **refusal}
    stack.control("POST", "/faults", fault)
    try:
        done = stack.run("onsctl", "reconcile", *history.range, "--repair",
                         expect=None)
    finally:
        stack.control("DELETE", "/faults")
    assert done.returncode == (0 if refusal["status"] != 404 else EX_NOPERM)
    assert deleted(stack) == set()


def test_of_a_number_that_the_key_does_not_see_nothing_is_concluded(
        stack: Stack) -> None:
    """As with the key of another workspace."""
    history = three(stack)
    for kind, ids in history.kinds.items():
        for key in ids:
            delete(stack, kind, key)
    line = delete(stack, "numbers", history.line)
    report = reconcile(stack, *history.range, "--repair")
    assert report["findings"] == [] and deleted(stack) == set()
    stack.control("POST", "/openphone/numbers", line)
    report = reconcile(stack, *history.range, "--repair")
    assert report["repaired"] == 3


def test_deleted_ones_are_found_with_the_lists_of_v1(
        stack: Stack, tmp_path: Path) -> None:
    v1 = stack.variant(tmp_path, openphone__api_base=api(stack) + "/v1")
    history = three(stack)
    delete(stack, "calls", history.ids[0])
    report = reconcile(stack, *history.range, "--repair", config=v1)
    assert found(report) == [("deleted", history.ids[0], True)]


def test_deleted_ones_go_to_the_trash_where_that_is_wanted(
        stack: Stack, tmp_path: Path) -> None:
    trash = stack.variant(tmp_path, sync__deleted="trash",
                          notion__trashed="recreate")
    history = three(stack)
    key = history.ids[0]
    page = in_tables(stack, key)
    gone = delete(stack, "calls", key)

    def heal(*findings: tuple[str, str, bool]) -> None:
        report = reconcile(stack, *history.range, "--repair", config=trash)
        assert found(report) == list(findings)
        stack.run("ons-process", "--drain", config=trash)

    def in_trash() -> bool:
        return stack.control("GET", f"/notion/pages/{page['page_id']}")[
            "in_trash"]

    heal(("deleted", key, True))
    assert in_trash() and in_tables(stack, key)["state"] == "trashed"
    heal()
    # a person wants to see it, and does
    stack.control("POST", f"/notion/pages/{page['page_id']}/trash",
                  {"in_trash": False})
    heal(("restored", key, True))
    assert not in_trash() and title(stack.page(key)).startswith("Deleted: ")
    # OpenPhone has it again, and has it no more
    stack.control("POST", "/openphone/calls", gone)
    heal(("returned", key, True))
    assert not in_trash()
    assert not title(stack.page(key)).startswith("Deleted: ")
    delete(stack, "calls", key)
    heal(("deleted", key, True))
    assert in_trash()
    stack.control("POST", "/openphone/calls", gone)
    heal(("returned", key, True))
    assert not in_trash() and in_tables(stack, key) == page
    assert len(in_notion(stack, key)) == 1
    heal()


def test_deleted_ones_are_only_noted_where_that_is_wanted(
        stack: Stack, tmp_path: Path) -> None:
    keep = stack.variant(tmp_path, sync__deleted="keep")
    history = three(stack)
    before = stack.page(history.ids[0])
    delete(stack, "calls", history.ids[0])
    reconcile(stack, *history.range, "--repair", config=keep)
    stack.run("ons-process", "--drain", config=keep)
    assert deleted(stack) == {history.ids[0]}
    assert stack.page(history.ids[0]) == before


def test_deleted_contacts(stack: Stack) -> None:
    """Known by their events, of whatever time."""
    history = three(stack)
    ids = [f"CT{stack.fresh()}" for _ in range(3)]
    for key in ids:
        event = stack.load("2026-03-30/contact.updated")
        event["id"] += key
        event["data"]["resource"]["id"] = key
        stack.send(event)
        stack.control("POST", "/openphone/contacts", {"id": key})
    stack.process()
    gone = delete(stack, "contacts", ids[0])
    report = reconcile(stack, *history.range, "--repair")
    assert found(report) == [("deleted", ids[0], True)]
    assert deleted(stack) == {ids[0]}
    stack.process()
    assert reconcile(stack, *history.range)["findings"] == []
    stack.control("POST", "/openphone/contacts", {"id": gone["id"]})
    report = reconcile(stack, *history.range, "--repair")
    assert found(report) == [("returned", ids[0], True)]
    assert deleted(stack) == set()


# ---- trouble ----

def test_passing_trouble_passes(stack: Stack) -> None:
    for _ in range(3):
        call(stack)
    for fault in ({"status": 429, "headers": {"Retry-After": "1"}},
                  {"status": 503}, {"drop": "after"}):
        stack.control("POST", "/faults", {
            "service": "notion", "method": "POST", "path": "/query", **fault})
    assert reconcile(stack)["summary"].startswith(
        "complete: pages of 3 calls")


def test_without_permission_nothing_changes(stack: Stack,
                                            tmp_path: Path) -> None:
    key = call(stack)
    refused = stack.run("onsctl", "reconcile", "--notion", "--repair",
                        expect=EX_NOPERM,
                        config=stack.variant(tmp_path,
                                             notion__api_key="ntn_wrong"))
    assert refused.stderr.count("\n") == 1 and "401" in refused.stderr
    stack.control("POST", "/notion/share", {
        "id": database(stack, "call"), "shared": False})
    refused = stack.run("onsctl", "reconcile", "--notion", "--repair",
                        expect=EX_NOPERM)
    assert "calls" in refused.stderr and refused.stderr.count("\n") == 1
    stack.control("POST", "/notion/share", {
        "id": database(stack, "call"), "shared": True})
    assert in_tables(stack, key)["state"] == "written"
    assert reconcile(stack)["findings"] == []


def test_one_at_a_time(stack: Stack) -> None:
    psql(stack.env, "INSERT INTO run (host, pid, born, program)"
         " VALUES ('elsewhere', 1, '', 'reconcile');"
         "INSERT INTO chore (workspace, name, run, lease_until) SELECT"
         " 'default', 'reconcile', max(id), now() + interval '1 minute'"
         " FROM run ON CONFLICT (workspace, name) DO UPDATE"
         " SET run = excluded.run, lease_until = excluded.lease_until;")
    done = stack.run("onsctl", "reconcile", expect=EX_TEMPFAIL)
    assert "at work" in done.stderr
    # its host is gone
    psql(stack.env, "UPDATE chore SET lease_until = now();")
    reconcile(stack)
    psql(stack.env, "DELETE FROM run WHERE host = 'elsewhere';")


def test_wrong_usage(stack: Stack) -> None:
    for wrong in (["--everything"], ["now"], ["--since", "yesterday"],
                  ["--since", "2026-13-01"], ["--since", "2999-01-01"],
                  ["--since", "2026-02-01", "--until", "2026-01-01"],
                  ["--notion", "--since", "2026-02-01"]):
        done = stack.run("onsctl", "reconcile", *wrong, expect=EX_USAGE)
        assert done.stderr and done.stdout == ""


def test_without_openphones_permission_nothing_changes(
        stack: Stack, tmp_path: Path) -> None:
    history = History(stack)
    history.call()
    refused = stack.run(
        "onsctl", "reconcile", *history.range, "--repair", expect=EX_NOPERM,
        config=stack.variant(tmp_path, openphone__api_key="wrong"))
    assert refused.stderr.count("\n") == 1 and "401" in refused.stderr
    assert stack.count("resource") == 0
