"""onsctl forget: nothing is left of a person, and nothing brings it back."""

from __future__ import annotations

import fcntl
import glob
import json
import os
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import (STACK, Stack, clean_environment, psql, texts, title,
                      until)
from proof import LIFE, SMS, History, alone, reconcile
from test_sync import Person

import deliver

assert alone  # a fixture
pytestmark = [pytest.mark.sanitize, pytest.mark.usefixtures("alone")]
EX_USAGE, EX_TEMPFAIL, EX_DATAERR = 64, 75, 65
VOICEMAIL = ("2026-03-30/call.completed-missed-voicemail",
             "2026-03-30/call.voicemail.completed")
MMS = "2026-03-30/message.received-mms"
PG_DUMP = max(glob.glob("/usr/lib/postgresql/*/bin/pg_dump"),
              key=lambda path: int(path.split("/")[4]))


@pytest.fixture(autouse=True)
def remembered(stack: Stack) -> Iterator[None]:
    """What a test forgets is not forgotten for the tests after it."""
    yield
    psql(stack.env, "TRUNCATE forgotten, forgetting_item, forgetting;"
         "TRUNCATE backfill, backfill_slice;")


class Somebody(Person):
    """Calls, writes, and is in the address book."""

    def __init__(self, stack: Stack) -> None:
        super().__init__(stack, "({1}) {2}-{3}")
        self.name = f"Ann{self.suffix}"
        self.events: list[dict[str, Any]] = []

    def arrive(self) -> None:
        call, voicemail = f"{self.suffix}call", f"{self.suffix}vm"
        self.events = [self.contact(self.name),
                       *(self.of(name, call) for name in LIFE),
                       *(self.of(name, voicemail) for name in VOICEMAIL),
                       self.of(SMS, f"{self.suffix}sms"),
                       self.of(MMS, f"{self.suffix}mms")]
        self.stack.send(*self.events)
        self.stack.process()

    def of(self, name: str, suffix: str) -> dict[str, Any]:
        text = json.dumps(self.stack.load(name, suffix))
        return json.loads(text.replace("+15550001111", self.number)
                          .replace("CTtest01", self.id)
                          .replace("Jane", self.name))

    @property
    def keys(self) -> set[str]:
        return {deliver.resource_id(event) for event in self.events}

    @property
    def spellings(self) -> list[str]:
        n = self.number
        return [n, n[1:], n[2:], self.typed, f"{n[2:5]}-{n[5:8]}-{n[8:]}",
                self.name]


def dump(stack: Stack) -> str:
    """All of the database as text, and the bodies' bytes as text, too."""
    done = subprocess.run(
        [PG_DUMP, "--data-only", "--inserts"], capture_output=True, text=True,
        check=True, env=clean_environment(
            **{name: value for name, value in stack.env.items()
               if name.startswith("PG")}))
    bodies = re.findall(r"'\\x([0-9a-f]+)'", done.stdout)
    return done.stdout + "\n".join(
        bytes.fromhex(body).decode(errors="replace") for body in bodies)


def pages(stack: Stack) -> str:
    """All that people see in Notion."""
    return json.dumps([page for page in stack.control("GET", "/notion/pages")
                       if not page["in_trash"]], ensure_ascii=False)


def files(stack: Stack) -> str:
    return subprocess.run([STACK / "s3.sh", "list", stack.state], text=True,
                          check=True, stdout=subprocess.PIPE).stdout


def traces(stack: Stack, person: Somebody, *more: str) -> list[str]:
    """Where something of the person is to be seen."""
    places = {"database": dump(stack), "Notion": pages(stack),
              "storage": files(stack)}
    return [f"{word} in {name}" for name, text in places.items()
            for word in [*person.spellings, *more] if word in text]


def shown(history: History) -> list[str]:
    """Whose pages there are, but those in the trash."""
    return sorted(
        "".join(item["plain_text"] for item in
                page["properties"]["OpenPhone ID"]["rich_text"])
        for page in json.loads(pages(history.stack))
        if f"AC{history.suffix}n" in json.dumps(page["properties"]))


def forget(stack: Stack, *args: str, expect: int = 0,
           **more: Any) -> dict[str, Any]:
    done = stack.run("onsctl", "--json", "forget", *args, expect=expect,
                     **more)
    return json.loads(done.stdout) if expect == 0 else {"said": done.stderr}


def state(stack: Stack, person: Somebody) -> tuple[Any, ...]:
    """What is known and shown of somebody."""
    keys = ",".join(person.keys)
    rows = stack.rows(
        "SELECT kind, id, facts, events FROM resource WHERE id = ANY"
        " (string_to_array(:'keys', ',')) ORDER BY id", keys=keys)
    shown = stack.rows(
        "SELECT resource_id, title, page_id, sections FROM page WHERE"
        " resource_id = ANY (string_to_array(:'keys', ',')) ORDER BY 1",
        keys=keys)
    kept = [line for line in files(stack).splitlines()
            if any(key in line for key in person.keys)]
    notion = [stack.page(row["resource_id"])["children"] for row in shown]
    return rows, shown, kept, notion


def test_nothing_is_left(stack: Stack) -> None:
    person, other = Somebody(stack), Somebody(stack)
    other.arrive()
    person.arrive()
    before = state(stack, other)
    assert len(before[0]) == 5 and len(before[1]) == 4 and len(before[2]) == 4
    assert traces(stack, person, *person.keys)

    # dry: it only says what it would do
    would = forget(stack, person.number)
    assert would == {
        "numbers": [person.number], "contacts": [person.id],
        "redacted": False, "calls": 2, "messages": 2, "shared": 0, "cards": 1,
        "pages": 4, "files": 4, "deliveries": 9, "spooled": 0, "mentions": 0,
        "applied": False, "finished": 0, "trashed": 0}
    assert stack.count("forgetting") == 0
    said = stack.run("onsctl", "forget", person.typed).stdout
    assert person.number in said and "nothing was done" in said
    assert len(stack.rows("SELECT FROM resource WHERE id LIKE :'like'",
                          like=f"%{person.suffix}%")) == 5

    done = forget(stack, "--apply", person.number)
    assert done == would | {"applied": True, "finished": 1, "trashed": 4}
    assert traces(stack, person, *person.keys, person.id) == []
    assert stack.rows("SELECT FROM v_story WHERE resource_id LIKE :'like'",
                      like=f"%{person.suffix}%") == []
    assert state(stack, other) == before

    # who, when and how much is remembered
    [audit] = stack.rows("SELECT * FROM forgetting")
    assert (audit["calls"], audit["messages"], audit["cards"],
            audit["events"], audit["files"], audit["pages"]) == \
        (2, 2, 1, 9, 4, 4)
    assert audit["finished_at"] and audit["os_user"] and audit["db_user"]
    assert audit["numbers"] is None and len(audit["person"]) == 2
    # once more there is nothing to do, and no second entry
    assert forget(stack, "--apply", person.number)["deliveries"] == 0
    assert stack.count("forgetting") == 1


def test_nothing_comes_back(stack: Stack) -> None:
    """What is delivered again, or listed, is known to be forgotten."""
    history = History(stack)
    events = [history.call(), history.message(), history.call()]
    never = history.message()  # was lost
    stack.send(*events)
    stack.process()
    assert shown(history) == sorted(history.ids[:3])
    forget(stack, "--apply", history.theirs)
    assert shown(history) == []

    stack.send(*events)
    late = stack.load("2026-03-30/call.summary.completed", history.suffix)
    late["data"]["resource"]["callId"] = history.ids[0]
    stack.send(late)
    stack.process()
    assert reconcile(stack, *history.range, "--repair")["findings"] == []
    stack.run("onsctl", "maintain")
    stack.run("onsctl", "backfill", *history.range, "--apply")
    stack.process()
    stack.run("onsctl", "replay", "--all", "--apply")
    stack.run("onsctl", "relink", "--all")
    stack.process()
    assert shown(history) == []
    assert stack.rows("SELECT id FROM resource WHERE id LIKE :'like'",
                      like=f"AC{history.suffix}n%") == []
    assert stack.rows("SELECT id FROM event WHERE resource_id LIKE :'like'",
                      like=f"%{history.suffix}%") == []
    assert history.theirs not in dump(stack)
    assert stack.count("job") == 0
    assert never["data"]["resource"]["id"] in history.ids

    # what is new is a new fact
    history.begin = history.begin.replace(year=2040)
    stack.send(history.call())
    stack.process()
    assert shown(history) == [history.ids[-1]]


def test_until_that_is_undone(stack: Stack) -> None:
    history = History(stack)
    stack.send(history.call(), history.message())
    stack.process()
    forget(stack, "--apply", history.theirs)
    stack.run("onsctl", "forget", "--undo", "+15559990000", expect=EX_DATAERR)
    stack.run("onsctl", "forget", "--undo", history.theirs)
    assert stack.rows("SELECT undone_at IS NOT NULL AS undone"
                      " FROM forgetting") == [{"undone": True}]
    stack.run("onsctl", "backfill", *history.range, "--apply")
    stack.process()
    assert shown(history) == sorted(history.ids)


def test_it_took_place(stack: Stack) -> None:
    """--redact keeps when, which way, how long and with which number of ours."""
    person = Somebody(stack)
    person.arrive()
    done = forget(stack, "--redact", "--apply", person.number)
    assert (done["calls"], done["messages"], done["trashed"]) == (2, 2, 4)
    stack.process()
    assert traces(stack, person, person.id) == []
    key = deliver.resource_id(person.events[1])
    [call] = stack.rows("SELECT * FROM v_calls WHERE call_id = :'id'", id=key)
    assert (call["direction"], call["duration"], call["phone_number_id"],
            call["outcome"]) == ("incoming", 74, "PNtest01", "answered")
    assert call["created_at"].startswith("2026-04-13")
    assert call["transcripts"] is None and call["summary"] is None
    assert call["recordings"] == 0
    page = stack.page(key)
    assert not page["in_trash"] and \
        title(page) == "Call with an unknown number"
    assert stack.rows("SELECT kept, events FROM forgetting") == [
        {"kept": 4, "events": 9}]
    # it stays so
    stack.send(*person.events)
    stack.run("onsctl", "replay", "--all", "--apply")
    stack.process()
    assert traces(stack, person, person.id) == []


def test_what_others_took_part_in(stack: Stack) -> None:
    """Of a message of somebody else's to several the recipient is taken out;
    of a call with several what was said goes, for the voices are together."""
    person = Somebody(stack)
    person.arrive()
    events = [person.of("2026-03-30/message.received-group",
                        f"{person.suffix}group"),
              person.of("2026-03-30/call.completed-group",
                        f"{person.suffix}conf"),
              person.of("2026-03-30/call.recording.completed-group",
                        f"{person.suffix}conf")]
    stack.send(*events)
    stack.process()
    message, call = (deliver.resource_id(event) for event in events[:2])
    before = stack.page(message)
    done = forget(stack, "--apply", person.number)
    assert (done["calls"], done["messages"], done["shared"]) == (3, 3, 2)
    stack.process()
    assert traces(stack, person, person.id) == []
    after = stack.page(message)
    assert after["id"] != before["id"] and "that was fun!" in texts(after)
    assert "+15550003333" in json.dumps(after)
    [row] = stack.rows("SELECT participants, recordings FROM v_calls"
                       " WHERE call_id = :'id'", id=call)
    assert row == {"participants": ["+15550003333", "+15550004444"],
                   "recordings": 0}


def test_what_is_on_its_way(stack: Stack) -> None:
    """Dead jobs, deliveries without a page, of other kinds, and the spool."""
    person = Somebody(stack)
    task = person.of("2026-03-30/task.created", person.suffix)
    task["data"]["resource"]["title"] = person.number
    stack.send(person.of(SMS, f"{person.suffix}a"), task)
    psql(stack.env, "UPDATE job SET dead = true;")
    bad = Path(stack.env["SPOOL"] if "SPOOL" in stack.env
               else spool(stack)) / "bad"
    bad.mkdir(parents=True, exist_ok=True)
    (bad / "torn").write_text(f'{{"from":"{person.number}"')
    (bad / "others").write_text('{"from":"+15550009999"')
    done = forget(stack, "--apply", person.number)
    assert (done["messages"], done["deliveries"], done["spooled"]) == (1, 2, 1)
    assert traces(stack, person) == []
    assert stack.count("job") == 0
    assert [path.name for path in bad.iterdir()] == ["others"]
    (bad / "others").unlink()
    stack.send(task)
    assert stack.count("event") == 0


def spool(stack: Stack) -> str:
    found = re.search(r"^spool = (.+)$", stack.config.read_text(),
                      re.MULTILINE)
    assert found
    return found[1]


def test_interrupted_and_run_again(stack: Stack) -> None:
    """kill -9 somewhere in the midst, again and again."""
    person, other = Somebody(stack), Somebody(stack)
    person.arrive()
    other.arrive()
    before = state(stack, other)
    stack.control("POST", "/faults", {"service": "notion", "method": "PATCH",
                                      "times": -1, "delay": 0.3})
    try:
        for left in (4, 2):
            child = stack.start("onsctl", "forget", "--apply", person.number)
            until(lambda: stack.count("forgetting") == 1 and
                  stack.count("forgetting_item") <= left)
            child.kill()
            child.communicate()
            assert stack.rows("SELECT numbers FROM forgetting"
                              " WHERE finished_at IS NULL")
            # what waits for its turn does not come in any more
            stack.send(*person.events)
    finally:
        stack.control("DELETE", "/faults")
    forget(stack, "--apply", person.number)
    assert traces(stack, person, *person.keys, person.id) == []
    assert state(stack, other) == before
    [audit] = stack.rows("SELECT calls, messages, cards, finished_at"
                         " FROM forgetting")
    assert (audit["calls"], audit["messages"], audit["cards"]) == (2, 2, 1)
    assert audit["finished_at"]


def test_stopped_before_it_began(stack: Stack) -> None:
    """Somebody takes in the spool, and whoever asked thinks better of it:
    nobody is forgotten."""
    new = Path(spool(stack)) / "new"
    new.mkdir(parents=True, exist_ok=True)
    held = os.open(new, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    try:
        child = stack.start("onsctl", "forget", "--apply", "+15550007777")
        until(lambda: stack.count("chore WHERE name = 'forget'"
                                  " AND run IS NOT NULL") == 1)
        child.terminate()
        _, errors = child.communicate(timeout=120)
    finally:
        os.close(held)
    assert child.returncode == EX_TEMPFAIL, errors
    assert b"stopped" in errors
    assert stack.count("forgetting") == stack.count("forgotten") == 0


def test_notion_is_away(stack: Stack) -> None:
    person = Somebody(stack)
    person.arrive()
    stack.control("POST", "/faults", {"service": "notion", "method": "PATCH",
                                      "times": -1, "status": 401, "body": {
                                          "object": "error", "status": 401,
                                          "code": "unauthorized",
                                          "message": "API token is invalid."}})
    try:
        done = stack.run("onsctl", "forget", "--apply", person.number,
                         expect=None)
    finally:
        stack.control("DELETE", "/faults")
    assert done.returncode != 0
    assert "not finished, run this again" in done.stderr
    assert "401" in done.stderr or "token" in done.stderr
    psql(stack.env, "DELETE FROM trouble;")
    forget(stack, "--apply", person.number)
    assert traces(stack, person, *person.keys) == []


def test_a_contact_with_a_page(stack: Stack) -> None:
    stack.run("onsctl", "init", "--contacts")
    person, other = Somebody(stack), Somebody(stack)
    person.arrive()
    other.arrive()
    assert stack.page(person.id)
    done = forget(stack, "--redact", "--apply", person.number)
    assert (done["pages"], done["trashed"]) == (5, 5)
    stack.process()
    assert traces(stack, person, person.id) == []
    assert not stack.page(other.id)["in_trash"]


def test_files_in_a_folder_and_in_notion(stack: Stack,
                                          tmp_path: Path) -> None:
    folder = tmp_path / "media"
    folder.mkdir()
    config = stack.variant(tmp_path, media__store="file", media__link="notion",
                           media__folder=str(folder))
    person = Somebody(stack)
    event = person.of(MMS, person.suffix)
    stack.send(event)
    stack.run("ons-process", "--drain", config=config)
    key = deliver.resource_id(event)
    kept = [path for path in folder.rglob("*") if path.is_file()]
    assert len(kept) == 2 and stack.rows(
        "SELECT DISTINCT upload_state FROM media") == [
            {"upload_state": "attached"}]
    done = forget(stack, "--apply", person.number, config=config)
    assert (done["files"], done["trashed"]) == (2, 1)
    assert not any(path.is_file() for path in folder.rglob("*"))
    assert traces(stack, person, key) == []


def test_a_page_whose_creation_nobody_heard_of(stack: Stack) -> None:
    person = Somebody(stack)
    person.arrive()
    psql(stack.env, "UPDATE page SET state = 'intent', page_id = NULL"
         " WHERE resource_id LIKE :'like';", like=f"%{person.suffix}%")
    forget(stack, "--apply", person.number)
    assert traces(stack, person) == []


def test_more_pages_than_one_answer_lists(stack: Stack) -> None:
    """Somebody copied a page again and again, say."""
    person = Somebody(stack)
    sms = person.of(SMS, f"{person.suffix}sms")
    stack.send(sms)
    for _ in range(12):
        psql(stack.env, "DELETE FROM page WHERE resource_id = :'id';"
             " SELECT job_due('default', 'message', :'id', 0);",
             id=deliver.resource_id(sms))
        stack.process()
    assert forget(stack, "--apply", person.number)["trashed"] == 12
    assert traces(stack, person) == []


def test_a_worker_is_waited_for(stack: Stack) -> None:
    person = Somebody(stack)
    person.arrive()
    key = deliver.resource_id(person.events[1])
    psql(stack.env, "INSERT INTO job (workspace, kind, resource_id,"
         " lease_until, lease_by) VALUES ('default', 'call', :'id',"
         " now() + interval '1 hour', 0);", id=key)
    child = stack.start("onsctl", "forget", "--apply", person.number)
    until(lambda: stack.count("forgetting_item") == 5)
    time.sleep(1.5)
    assert child.poll() is None and key in dump(stack)
    psql(stack.env, "DELETE FROM job WHERE resource_id = :'id';", id=key)
    out, err = child.communicate(timeout=60)
    assert child.returncode == 0, err
    assert traces(stack, person, *person.keys) == []


def test_who_is_meant(stack: Stack) -> None:
    """A number that two have is nobody's alone; ours is none."""
    person, other = Somebody(stack), Somebody(stack)
    shared = "+15558880000"
    events = [person.contact(person.name), other.contact(other.name)]
    for event in events:
        event["data"]["resource"]["phoneNumbers"].append(
            {"value": shared, "type": "phone-number"})
    stack.send(*events, person.of(SMS, f"{person.suffix}s"))
    stack.process()
    said = forget(stack, shared, expect=EX_DATAERR)["said"]
    assert person.id in said and other.id in said
    found = forget(stack, person.id)
    assert found["numbers"] == [person.number]
    assert found["contacts"] == [person.id]
    assert shared in stack.run("onsctl", "forget", person.id).stdout
    both = forget(stack, shared, person.id, other.id)
    assert set(both["numbers"]) == {shared, person.number, other.number}
    assert "ours" in forget(stack, "+15550002222", expect=EX_DATAERR)["said"]
    assert "CTnobody" in forget(stack, "CTnobody", expect=EX_DATAERR)["said"]
    for args in ([], ["--redact"], ["--undo"], ["--undo", "--apply", shared],
                 ["--all"]):
        stack.run("onsctl", "forget", *args, expect=EX_USAGE)


def test_the_name_is_not_asked_for_again(stack: Stack) -> None:
    """The contact calls again, and OpenPhone still knows the name."""
    person = Somebody(stack)
    stack.control("POST", "/openphone/contacts", {
        "id": person.id, "firstName": person.name, "lastName": "Roe",
        "phoneNumbers": [{"value": person.number}]})
    person.arrive()
    forget(stack, "--apply", person.number)
    again = person.of(SMS, f"{person.suffix}again")
    stack.send(again)
    stack.process()
    page = stack.page(deliver.resource_id(again))
    assert person.number in title(page)
    assert person.name not in dump(stack)


def test_a_backfill_under_way(stack: Stack) -> None:
    psql(stack.env, "WITH b AS (INSERT INTO backfill (workspace, since, until,"
         " number, contact, surface) VALUES ('default', '2020-01-01',"
         " '2020-02-01', '', '{}', 'dated') RETURNING id), s AS (INSERT INTO"
         " backfill_slice (backfill_id, list, number, party, way, actor, since,"
         " until, progress) SELECT id, 'calls', '', '', '', '', '2020-01-01',"
         " '2020-02-01', 'queued' FROM b RETURNING id) INSERT INTO job"
         " (workspace, kind, resource_id, run_at) SELECT 'default',"
         " 'backfill', id, now() + interval '1 h' FROM s;")
    said = forget(stack, "--apply", "+15550007777", expect=EX_TEMPFAIL)["said"]
    assert "--cancel" in said
    psql(stack.env, "DELETE FROM job;")
