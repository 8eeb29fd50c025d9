"""onsctl maintain: what cron does every quarter of an hour."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from conftest import Stack, clean_environment, psql, title, until
from proof import (LIFE, SMS, History, alone, arrive, call, copy_of,
                   each_has_one_page, found, jobs, lives, lose_all, reconcile)

assert alone  # a fixture
pytestmark = [pytest.mark.sanitize, pytest.mark.usefixtures("alone")]
EX_USAGE, EX_NOPERM = 64, 77


@pytest.fixture
def recent(stack: Stack) -> Iterator[Callable[[float], History]]:
    """Makes histories that begin so many hours ago."""
    made: list[History] = []

    def make(hours: float) -> History:
        made.append(History(stack, datetime.now(timezone.utc)
                            - timedelta(hours=hours)))
        return made[-1]

    yield make
    for history in made:
        history.forget()


def maintain(stack: Stack, **more: Any) -> str:
    """Quiet, as cron wants it; the sentence that it leaves behind."""
    done = stack.run("onsctl", "maintain", **more)
    assert (done.stdout, done.stderr) == ("", "")
    return summary(stack)


def summary(stack: Stack) -> str:
    [row] = stack.rows("SELECT summary FROM chore WHERE name = 'reconcile'")
    return row["summary"]


def asked(stack: Stack, service: str) -> int:
    return sum(stack.control("GET", "/stats")["counts"]
               .get(service, {}).values())


def test_the_last_day_is_completed(
        stack: Stack, recent: Callable[[float], History]) -> None:
    """Of what there was, a third was never delivered."""
    history = recent(20)
    events = [history.call() if number % 2 else history.message()
              for number in range(60)]
    stack.send(*[event for number, event in enumerate(events) if number % 3])
    stack.process()
    said = maintain(stack)
    assert said.startswith("complete from ") and ": 30 calls, 30 messages; " \
        "20 repaired" in said
    stack.process()
    assert history.is_complete()
    assert "; 0 repaired" in maintain(stack)
    assert jobs(stack) == 0


def test_two_days_without_a_subscription(
        stack: Stack, recent: Callable[[float], History]) -> None:
    """An event an hour. For two days nearly a third of the deliveries was
    dropped, for two more there were none. Maintain completes the last day, and
    reconcile all of it."""
    history = recent(97.5)
    events = []
    for hour in range(96):
        at = history.moment(60 * hour)
        events.append(history.call(createdAt=at, answeredAt=at, completedAt=at)
                      if hour % 2 else history.message(createdAt=at))
    kept = [hour for hour in range(48) if hour % 10 not in (2, 3, 7)]
    stack.send(*[events[hour] for hour in kept])
    stack.process()
    there = {history.ids[hour] for hour in kept}
    assert history.pages() == sorted(there)

    last_day = history.ids[74:]
    assert f"; {len(last_day)} repaired" in maintain(stack)
    stack.process()
    there |= set(last_day)
    assert history.pages() == sorted(there)

    lost = {("lost", one) for one in set(history.ids) - there}
    range_ = ("--since", "5d")
    report = reconcile(stack, *range_, expect=1)
    assert {one[:2] for one in found(report)} == lost
    assert history.pages() == sorted(there)
    report = reconcile(stack, *range_, "--repair")
    assert {one[:2] for one in found(report)} == lost
    stack.process()
    assert history.is_complete()
    assert reconcile(stack, *range_)["findings"] == []
    assert "; 0 repaired" in maintain(stack)


def test_what_is_young_may_still_be_delivered(
        stack: Stack, recent: Callable[[float], History]) -> None:
    recent(0.02).call()
    recent(25.5).message()
    assert "; 0 repaired" in maintain(stack)
    assert stack.count("resource") == 0


def test_what_was_deleted_is_noticed(
        stack: Stack, recent: Callable[[float], History]) -> None:
    history = recent(2)
    stack.send(history.call(), history.message())
    stack.process()
    gone = stack.control("DELETE", f"/openphone/calls/{history.ids[0]}")
    assert "; 1 repaired" in maintain(stack)
    stack.process()
    assert title(stack.page(history.ids[0])).startswith("Deleted: ")
    assert "; 0 repaired" in maintain(stack)
    stack.control("POST", "/openphone/calls", gone)
    assert "; 1 repaired" in maintain(stack)


def test_it_heals_a_lost_database(stack: Stack) -> None:
    all_ = lives(stack, 8)
    lose_all(stack)
    assert "; 8 repaired" in maintain(stack)
    queries = asked(stack, "notion")
    maintain(stack)  # all pages are known now
    assert asked(stack, "notion") == queries
    stack.send(*[event for _, events in all_ for event in events])
    stack.process()
    each_has_one_page(stack, all_)
    assert reconcile(stack)["findings"] == []


def test_parts_that_may_have_come_are_asked_for(stack: Stack) -> None:
    key = call(stack)
    psql(stack.env, "UPDATE resource SET recheck_at = now() - interval '1 s'"
         " WHERE id = :'id';", id=key)
    maintain(stack)
    assert stack.rows("SELECT resource_id, priority FROM job") == [
        {"resource_id": key, "priority": 10}]


def test_storage_is_counted_day_by_day(stack: Stack) -> None:
    suffix = stack.fresh()
    stack.send(*[stack.load(name, suffix) for name in LIFE],
               stack.load("2026-03-30/message.received-mms", suffix))
    stack.process()
    stored = stack.rows("SELECT split_part(slot, '/', 1) AS what,"
                        " count(*) AS objects, sum(size) AS bytes FROM media"
                        " WHERE state = 'stored' GROUP BY 1 ORDER BY 1")
    assert {one["what"] for one in stored} == {"media", "recordings"}
    psql(stack.env, "INSERT INTO storage_stat VALUES ('default', current_date,"
         " 'voicemail', 1, 1) ON CONFLICT DO NOTHING;")  # and now it is gone
    said = maintain(stack)
    assert f"stored: {sum(one['objects'] for one in stored)} files" in said
    maintain(stack)
    assert stack.rows("SELECT what, objects, bytes FROM storage_stat"
                      " WHERE day = current_date AND objects > 0"
                      " ORDER BY what") == stored


# ---- retention ----

@pytest.fixture
def old_week(stack: Stack) -> Iterator[None]:
    psql(stack.env, "CREATE TABLE event_body_2020w02 PARTITION OF event_body"
         " FOR VALUES FROM ('2020-01-06Z') TO ('2020-01-13Z');")
    yield
    psql(stack.env, "DROP TABLE IF EXISTS event_body_2020w02;")


def aged(stack: Stack, when: str) -> str:
    """A call whose deliveries came in then."""
    key = call(stack)
    psql(stack.env, """
        UPDATE event_body SET received_at = :'when' WHERE event_id IN
            (SELECT id FROM event WHERE resource_id = :'id');
        UPDATE event SET received_at = :'when' WHERE resource_id = :'id';
        """, id=key, when=when)
    return key


def bodies(stack: Stack, key: str) -> int:
    return stack.rows("SELECT count(*) FROM event e JOIN event_body b ON"
                      " b.event_id = e.id WHERE resource_id = :'id'",
                      id=key)[0]["count"]


def weeks(stack: Stack) -> int:
    return stack.rows("SELECT count(*) FROM pg_class"
                      " WHERE relname = 'event_body_2020w02'")[0]["count"]


def test_old_bodies_go_by_weeks(stack: Stack, old_week: None) -> None:
    key, stray, young = (aged(stack, "2020-01-07Z"), aged(stack, "2019-03-03Z"),
                         call(stack))
    assert "removed: 1 weeks of bodies, 1 old rows" in maintain(stack)
    assert weeks(stack) == 0
    assert (bodies(stack, key), bodies(stack, stray),
            bodies(stack, young)) == (0, 0, 1)
    assert stack.count("event") == 3
    assert "removed" not in maintain(stack)


def test_what_is_not_folded_yet_is_not_removed(
        stack: Stack, tmp_path: Path, old_week: None) -> None:
    brief = stack.variant(tmp_path, retention__events="1d")
    key, stray = aged(stack, "2020-01-07Z"), aged(stack, "2019-03-03Z")
    for one in (key, stray):
        psql(stack.env, "SELECT job_due('default', 'call', :'id', 0);", id=one)
    assert "removed" not in maintain(stack, config=brief)
    assert (bodies(stack, key), bodies(stack, stray)) == (1, 1)
    stack.process()
    assert "removed: 1 weeks of bodies" in maintain(stack, config=brief)
    assert stack.count("event") == 0


def test_a_week_that_is_read_stays_for_the_next_time(
        stack: Stack, old_week: None) -> None:
    aged(stack, "2020-01-07Z")
    reader = begin_reading(stack)
    try:
        assert "removed" not in maintain(stack)
    finally:
        reader.communicate(b"COMMIT;\n")
    assert "removed: 1 weeks" in maintain(stack)


def begin_reading(stack: Stack) -> subprocess.Popen[bytes]:
    """A session in the midst of reading the old week."""
    reader = subprocess.Popen(
        ["psql", "-XqAt"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        env=clean_environment(**{name: value for name, value in
                                 stack.env.items() if name[:2] == "PG"}))
    assert reader.stdin and reader.stdout
    reader.stdin.write(b"BEGIN; SELECT count(*) FROM event_body_2020w02;\n")
    reader.stdin.flush()
    assert reader.stdout.readline() == b"1\n"
    return reader


def test_everything_is_kept_where_that_is_wanted(
        stack: Stack, tmp_path: Path, old_week: None) -> None:
    forever = stack.variant(tmp_path, retention__bodies="0s",
                            retention__events="0s", retention__counters="0s")
    key = aged(stack, "2020-01-07Z")
    psql(stack.env, "INSERT INTO usage VALUES ('default', 'x', '2020-01-01', 1)"
         " ON CONFLICT DO NOTHING;")
    assert "removed" not in maintain(stack, config=forever)
    assert bodies(stack, key) == 1
    assert "removed" in maintain(stack)
    assert stack.rows("SELECT * FROM usage WHERE service = 'x'") == []


# ---- trouble ----

def test_one_at_a_time(stack: Stack) -> None:
    """A start that finds another one at work leaves it alone, quietly."""
    stack.control("POST", "/faults", {
        "service": "openphone", "path": "/calls", "delay": 5})
    first = stack.start("onsctl", "maintain")
    until(lambda: stack.rows("SELECT run FROM chore WHERE run IS NOT NULL"))
    before = asked(stack, "openphone")
    done = stack.run("onsctl", "maintain")
    assert (done.stdout, done.stderr) == ("", "")
    assert first.poll() is None
    assert asked(stack, "openphone") <= before + 1
    out, err = first.communicate(timeout=60)
    assert (first.returncode, out, err) == (0, b"", b"")


def test_a_killed_one_is_in_nobodys_way(stack: Stack) -> None:
    stack.control("POST", "/faults", {
        "service": "openphone", "path": "/calls", "delay": 20})
    first = stack.start("onsctl", "maintain")
    until(lambda: stack.rows("SELECT run FROM chore WHERE run IS NOT NULL"))
    first.kill()
    first.wait()
    done = stack.run("onsctl", "maintain")
    assert "gone without a word" in done.stderr
    assert stack.rows("SELECT run FROM chore WHERE run IS NOT NULL") == []


def test_openphones_trouble_is_told_and_the_rest_done(
        stack: Stack, tmp_path: Path) -> None:
    arrive(stack, SMS)
    psql(stack.env, "DELETE FROM trouble;")  # nobody was told lately
    done = stack.run(
        "onsctl", "maintain", expect=EX_NOPERM,
        config=stack.variant(tmp_path, openphone__api_key="wrong"))
    assert done.stderr.count("\n") == 1 and "401" in done.stderr
    assert summary(stack).startswith("not compared: ")
    assert "stored: " in summary(stack)


def test_what_openphone_says_may_be_long(stack: Stack) -> None:
    """The summary is cut, in the middle of no character."""
    for before in ("", "x"):
        stack.control("POST", "/faults", {
            "service": "openphone", "path": "/", "times": -1, "status": 402,
            "body": {"code": "0", "message": before + "ж" * 400}})
        stack.run("onsctl", "maintain", expect=EX_NOPERM)
        stack.control("DELETE", "/faults")
        assert "жжж" in summary(stack) and "stored: " in summary(stack)


def test_what_a_person_must_mend_is_told_once(stack: Stack,
                                              tmp_path: Path) -> None:
    """... and once an hour, and when it is over."""
    wrong = stack.variant(tmp_path, openphone__api_key="wrong")

    def told(expect: int = EX_NOPERM, config: Path | None = wrong) -> str:
        done = stack.run("onsctl", "maintain", expect=expect, config=config)
        assert done.stdout == "" and done.stderr.count("\n") <= 1
        return done.stderr

    psql(stack.env, "DELETE FROM trouble;")
    assert "a person must act" in told()
    assert told() == ""
    assert stack.rows("SELECT service FROM v_troubles") == [
        {"service": "openphone"}]
    psql(stack.env, "UPDATE trouble SET told_at = now() - interval '61 min';")
    assert "still waiting for a person" in told()
    assert told() == ""
    assert "openphone works again" in told(0, None)
    assert told(0, None) == ""


def test_what_a_person_must_judge_is_said(stack: Stack) -> None:
    """Only when the pages have to be listed anyway."""
    key = call(stack)
    copy_of(stack, key)
    maintain(stack)
    lose_all(stack)
    done = stack.run("onsctl", "maintain", expect=1)
    [line] = done.stderr.splitlines()
    assert json.loads(line)["level"] == "warn" and "1 not" in line


def test_wrong_usage(stack: Stack) -> None:
    stack.run("onsctl", "maintain", "now", expect=EX_USAGE)
