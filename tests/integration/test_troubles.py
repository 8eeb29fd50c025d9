"""What a service refuses, and when it may be asked again: pauses that people
must end, times that services name, rates that all share."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import deliver
import pytest
from conftest import TOP, Stack, children, psql, until

pytestmark = [pytest.mark.sanitize, pytest.mark.usefixtures("known")]

CALL = "2026-03-30/call.completed"
MESSAGE = "2026-03-30/message.received"


@pytest.fixture(autouse=True)
def clean(stack: Stack) -> Iterator[None]:
    """No fault, pause or job is left to the tests after, and no trouble by
    those before: of what comes and goes nobody is told."""
    stack.process()
    psql(stack.env, "DELETE FROM trouble; DELETE FROM bucket;")
    yield
    stack.control("DELETE", "/faults")
    stack.control("POST", "/lag", {"seconds": 0})
    psql(stack.env, "DELETE FROM trouble; DELETE FROM bucket;"
         " DELETE FROM job; DELETE FROM page WHERE state = 'intent';")


def fault(stack: Stack, service: str = "notion", **what: Any) -> None:
    stack.control("POST", "/faults", {"service": service, "times": -1, **what})


def error(status: int, code: str, **more: Any) -> dict[str, Any]:
    return {"status": status, "body": {
        "object": "error", "status": status, "code": code,
        "message": "ordered by a test", "additional_data": more}}


def requests(stack: Stack, service: str = "notion") -> int:
    counts = stack.control("GET", "/stats")["counts"].get(service, {})
    return sum(counts.values())


def events(stack: Stack, name: str, n: int) -> list[str]:
    """So many new resources; their ids."""
    made = [stack.load(name, stack.fresh()) for _ in range(n)]
    stack.send(*made)
    return [deliver.resource_id(event) for event in made]


def jobs(stack: Stack) -> int:
    return stack.count("job WHERE NOT dead")


def time_passes(stack: Stack) -> None:
    """It is time for the next try."""
    psql(stack.env, "UPDATE trouble SET next_at = now(); UPDATE job"
         " SET run_at = now() WHERE id = (SELECT min(id) FROM job);")


def alerts(log: str) -> list[str]:
    lines = [json.loads(line) for line in log.splitlines()]
    return [line["message"] for line in lines if line["level"] == "error"]


def pages(stack: Stack, keys: list[str]) -> int:
    return sum(len(stack.rows(
        "SELECT FROM page WHERE state = 'written' AND resource_id = :'id'",
        id=key)) for key in keys)


# ---- Notion ----

REFUSALS = {
    "key": (error(401, "unauthorized"), "", "[notion] api_key"),
    "capability": (error(403, "restricted_resource"), "", "capabilities"),
    "blocks": (error(403, "restricted_resource", block_limit="1000"), "",
               "free plan"),
    "blocked": (error(429, "rate_limited",
                      rate_limit_reason="public_api_request_blocked"), "",
                "restricted the connection"),
    "edge": ({"status": 403, "body": "<html>"}, "", "another address"),
    "elsewhere": ({"status": 302, "body": "<html>"}, "", "log-in page"),
    "rows": (error(409, "row_limit_exceeded"), "message", "full"),
    "sharing": (error(404, "object_not_found"), "message", "Connections"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_pauses_and_is_told_of_once(stack: Stack, name: str) -> None:
    """Many jobs and workers, one alert; nobody asks again but one at a time,
    who finds out when it is mended; then all goes on by itself."""
    answer, part, remedy = REFUSALS[name]
    fault(stack, path="/v1/pages", **answer)
    keys = events(stack, MESSAGE, 8)
    log = stack.run("ons-process", "--drain", "-w", "4").stderr
    told = alerts(log)
    assert len(told) == 1 and remedy in told[0], log
    [row] = stack.rows("SELECT service, part, tries FROM v_troubles")
    assert row == {"service": "notion", "part": part, "tries": 0}
    asked = requests(stack)
    assert stack.run("ons-process", "--drain").stderr == ""
    assert requests(stack) == asked

    for tries in (1, 2):  # one request each, over all workers
        time_passes(stack)
        psql(stack.env, "UPDATE job SET run_at = now();")
        log = stack.run("ons-process", "--drain", "-w", "4").stderr
        assert alerts(log) == []
        asked += 1
        assert requests(stack) == asked
        [row] = stack.rows("SELECT tries, extract(epoch FROM next_at - now())"
                           " AS wait FROM v_troubles")
        assert row["tries"] == tries
        assert 60 * 2 ** tries - 60 < row["wait"] <= 60 * 2 ** tries

    psql(stack.env, "UPDATE trouble SET told_at = now() - interval '61 min',"
         " since = now() - interval '61 min';")
    time_passes(stack)  # a reminder, an hour later
    told = alerts(stack.run("ons-process", "--drain").stderr)
    assert len(told) == 1 and "still waiting" in told[0]

    stack.control("DELETE", "/faults")
    time_passes(stack)
    log = stack.run("ons-process", "--drain", "-w", "4").stderr
    assert log.count("works again") == 1, log
    assert pages(stack, keys) == 8
    assert stack.rows("SELECT FROM v_troubles") == []
    assert jobs(stack) == 0


@pytest.mark.parametrize("ended, due", [("before", False), ("after", True)])
def test_who_was_told_to_wait_as_it_ended_is_due(stack: Stack, ended: str,
                                                 due: bool) -> None:
    """The trouble's end wakes those who wait; this one was about to."""
    fail = (TOP / "sql/queries/job_fail.sql").read_text()
    when = "-" if ended == "before" else "+"
    psql(stack.env, f"""
        INSERT INTO trouble (workspace, service, part, reason, ended_at)
        VALUES ('default', 'storage', '', 'a test',
                now() {when} interval '1 s');
        INSERT INTO job (workspace, kind, resource_id, lease_by, lease_until,
            claimed_at, attempts)
        VALUES ('default', 'call', 'ACwaits', 0, now() + interval '60 s',
                now(), 1);
        PREPARE fail AS {fail};
        SELECT 'EXECUTE fail(' || id || ', 0, 1800000, ''wait'', ''operator'','
               ' false, false, 1)' FROM job WHERE resource_id = 'ACwaits'
        \\gexec""")
    [row] = stack.rows("SELECT run_at <= now() AS due, attempts, lease_by"
                       " FROM job WHERE resource_id = 'ACwaits'")
    assert row == {"due": due, "attempts": 0, "lease_by": None}


def test_what_comes_and_goes_is_told_of_once(stack: Stack) -> None:
    [key] = events(stack, MESSAGE, 1)
    told = ""
    for _ in range(3):
        fault(stack, path="/v1/pages", **error(401, "unauthorized"))
        time_passes(stack)
        told += stack.run("ons-process", "--drain").stderr
        stack.control("DELETE", "/faults")
        time_passes(stack)
        told += stack.run("ons-process", "--drain").stderr
        assert pages(stack, [key]) == 1
        [key] = events(stack, MESSAGE, 1)
    assert len(alerts(told)) == 1
    assert told.count("works again") == 1


def test_a_database_that_is_not_shared_stops_only_its_kind(
        stack: Stack) -> None:
    [row] = stack.rows("SELECT database_id FROM destination"
                       " WHERE kind = 'call'")
    share = {"id": row["database_id"], "shared": False}
    stack.control("POST", "/notion/share", share)
    calls, messages = events(stack, CALL, 3), events(stack, MESSAGE, 3)
    log = stack.run("ons-process", "--drain", "-w", "4").stderr
    stack.control("POST", "/notion/share", {**share, "shared": True})
    told = alerts(log)
    assert len(told) == 1 and "not shared" in told[0], log
    assert "(calls)" in told[0]
    assert pages(stack, messages) == 3 and pages(stack, calls) == 0
    time_passes(stack)
    stack.process()
    assert pages(stack, calls) == 3


def test_a_block_that_is_gone_is_not_the_database(stack: Stack) -> None:
    """404 to an update while page and database are there: no trouble."""
    suffix = stack.fresh()
    stack.send(stack.load(CALL, suffix))
    stack.process()
    fault(stack, method="PATCH", path="/v1/blocks/", times=1,
          **error(404, "object_not_found"))
    stack.send(stack.load("2026-03-30/call.summary.completed", suffix))
    stack.process()
    assert stack.rows("SELECT FROM v_troubles") == []
    psql(stack.env, "UPDATE job SET run_at = now();")
    stack.process()
    assert jobs(stack) == 0


# ---- OpenPhone, storage ----

@pytest.mark.parametrize("status", [401, 402, 403])
def test_pages_do_not_wait_for_openphone(stack: Stack, status: int) -> None:
    """They are made of what is known, and completed afterwards."""
    psql(stack.env, "DELETE FROM directory;")
    fault(stack, "openphone", status=status)
    keys = events(stack, CALL, 4)
    log = stack.run("ons-process", "--drain", "-w", "2").stderr
    assert len(alerts(log)) == 1, log
    assert pages(stack, keys) == 4
    asked = requests(stack, "openphone")
    more = events(stack, CALL, 2)
    assert alerts(stack.run("ons-process", "--drain").stderr) == []
    assert pages(stack, more) == 2
    assert requests(stack, "openphone") == asked
    stack.control("DELETE", "/faults")
    time_passes(stack)
    until(lambda: stack.process() or jobs(stack) == 0)
    assert requests(stack, "openphone") > asked
    assert stack.rows("SELECT FROM v_troubles") == []


def test_whatever_openphone_answers_ends_its_trouble(stack: Stack) -> None:
    """Whoever asked for whatever. Then names are asked for again at once."""
    fault(stack, "openphone", status=401)
    psql(stack.env, "DELETE FROM directory;")
    [key] = events(stack, CALL, 1)
    stack.process()
    [page] = stack.rows("SELECT title FROM page WHERE resource_id = :'id'",
                        id=key)
    stack.control("DELETE", "/faults")
    time_passes(stack)
    stack.run("onsctl", "webhooks", "list")
    assert stack.rows("SELECT FROM v_troubles") == []
    stack.process()
    assert jobs(stack) == 0
    [named] = stack.rows("SELECT title FROM page WHERE resource_id = :'id'",
                         id=key)
    assert "+1555" in page["title"]
    assert named["title"] != page["title"]


def test_storage_that_refuses_is_told_of_once(stack: Stack,
                                              tmp_path: Path) -> None:
    wrong = stack.variant(tmp_path, s3__secret_key="not the right one")
    keys = events(stack, "2026-03-30/call.recording.completed", 3)
    log = stack.run("ons-process", "--drain", "-w", "2", config=wrong).stderr
    assert len(alerts(log)) == 1 and "[s3]" in alerts(log)[0], log
    assert pages(stack, keys) == 3
    assert stack.rows("SELECT service FROM v_troubles") == [
        {"service": "storage"}]
    time_passes(stack)
    until(lambda: stack.process() or jobs(stack) == 0)
    for key in keys:
        assert stack.rows("SELECT state FROM v_media WHERE resource_id ="
                          " :'id'", id=key) == [{"state": "stored"}]


# ---- times that a service names ----

NAMED = {
    "seconds": ({"Retry-After": "600"}, 600),
    "hour": ({"Retry-After": "3600"}, 3600),
    "week": ({"Retry-After": "604800"}, 86400),
    # whatever our clock says
    "date": ({"Date": "Sun, 06 Nov 1994 08:49:37 GMT",
              "Retry-After": "Sun, 06 Nov 1994 08:59:37 GMT"}, 600),
    "garbage": ({"Retry-After": "soon"}, 30),
    "negative": ({"Retry-After": "-5"}, 30),
    "none": ({}, 30),
}


@pytest.mark.parametrize("status", [429, 529, 503])
@pytest.mark.parametrize("form", NAMED)
def test_nobody_asks_before_the_named_time(stack: Stack, status: int,
                                           form: str) -> None:
    """The pause is everybody's, and no attempt is counted."""
    headers, seconds = NAMED[form]
    if status == 503 and seconds == 30:
        pytest.skip("a 503 that names no time is a failure like others")
    suffix = stack.fresh()
    stack.send(stack.load(CALL, suffix))
    stack.process()
    fault(stack, times=1, method="PATCH", path="/v1/pages/", status=status,
          headers=headers)
    stack.send(stack.load("2026-03-30/call.summary.completed", suffix))
    drain_once(stack)
    [row] = stack.rows("SELECT extract(epoch FROM paused_until - now()) AS s,"
                       " reason FROM bucket WHERE service = 'notion'")
    assert seconds - 30 < row["s"] <= seconds
    assert ("604800" in row["reason"]) == (form == "week")
    [job] = stack.rows("SELECT attempts, error_kind FROM job")
    assert job == {"attempts": 0, "error_kind": "wait"}
    # half a minute is soon over on a busy machine
    psql(stack.env, "UPDATE bucket SET paused_until = paused_until"
         " + interval '10 min' WHERE service = 'notion';")
    asked = requests(stack)
    events(stack, CALL, 2)
    drain_once(stack)
    assert requests(stack) == asked
    psql(stack.env, "UPDATE bucket SET paused_until = now();"
         " UPDATE job SET run_at = now();")
    stack.process()
    assert jobs(stack) == 0


def drain_once(stack: Stack) -> None:
    """Until all that is due has been tried; a drain would sit out a pause."""
    child = stack.start("ons-process", "--linger", "-w", "1")
    try:
        until(lambda: children(child.pid))
        until(lambda: stack.rows(
            "SELECT FROM bucket WHERE paused_until > now()"))
        until(lambda: not stack.rows(
            "SELECT FROM job WHERE lease_until IS NOT NULL"))
    finally:
        child.terminate()
        child.communicate(timeout=60)


def test_pages_do_not_wait_for_openphones_pause(stack: Stack) -> None:
    psql(stack.env, "DELETE FROM directory;")
    fault(stack, "openphone", status=429, headers={"Retry-After": "3600"})
    keys = events(stack, CALL, 3)
    stack.process()
    assert pages(stack, keys) == 3
    assert requests(stack, "openphone") > 0
    rows = stack.rows("SELECT attempts, error_kind FROM job")
    assert {(row["attempts"], row["error_kind"]) for row in rows} == {
        (0, "wait")}


# ---- rates ----

def sql(stack: Stack, script: str) -> str:
    return psql(stack.env, script).strip()


def simulate(stack: Stack, seconds: float, asks: str, limit: int = 60,
             window_ms: int = 2000) -> list[int]:
    """Ask for `asks` (SQL: true, false: in the background?) again and again;
    how many got through, for each of them, and in any window: that is counted
    by the bucket's slots, 240 to a window, which no busy machine moves."""
    out = sql(stack, f"""
        CREATE TEMP TABLE got (background boolean, slot bigint);
        DO $$
        DECLARE
            ending timestamptz := clock_timestamp() + interval '{seconds} s';
            b boolean; least_wait bigint; w bigint;
        BEGIN
            WHILE clock_timestamp() < ending LOOP
                least_wait := 50;
                FOREACH b IN ARRAY ARRAY[{asks}] LOOP
                    w := bucket_take('rates', 'test', {limit}, {window_ms}, b);
                    IF w = 0 THEN
                        INSERT INTO got SELECT b, slot FROM bucket
                         WHERE workspace = 'rates' AND service = 'test';
                    END IF;
                    least_wait := least(w, least_wait);
                END LOOP;
                PERFORM pg_sleep(least_wait / 1000.0);
            END LOOP;
        END $$;
        SELECT count(*) FILTER (WHERE NOT background),
               count(*) FILTER (WHERE background),
               (SELECT max(n) FROM (SELECT count(*) OVER (ORDER BY slot
                    RANGE BETWEEN 239 PRECEDING AND CURRENT ROW) AS n
                    FROM got) w) FROM got;""")
    return [int(number or 0) for number in out.split("|")]


def test_history_leaves_room_and_uses_the_rate(stack: Stack) -> None:
    """10 s at 60 in 2 s: all but the reserve is used, in even steps. A busy
    machine may cost some, so it may try again."""
    def used() -> bool:
        live, background, most = simulate(stack, 10, "true")
        assert live == 0 and most <= 59
        return background >= 0.97 * 300 * 59 / 60

    until(used)
    # all of the reserve is there for a live event
    assert sql(stack, "SELECT bucket_take('rates', 'test', 60, 2000)") == "0"


def test_live_events_go_first(stack: Stack) -> None:
    """Both at once: live ones take what they can."""
    def first() -> bool:
        live, background, most = simulate(stack, 6, "false, true")
        assert most <= 60
        return live >= 0.95 * (180 - 59) and background <= 60

    until(first)


def test_a_burst_may_use_the_window_at_once(stack: Stack) -> None:
    assert sql(stack, "SELECT count(*) FROM generate_series(1, 200) WHERE"
               " bucket_take('rates', 'test', 180, 60500) = 0") == "180"
    assert sql(stack, "SELECT full_until > now() FROM bucket"
               " WHERE workspace = 'rates'") == "t"


def taken(stack: Stack, n: int) -> None:
    sql(stack, f"SELECT bucket_take('rates', 'test', 180, 60500)"
        f" FROM generate_series(1, {n})")


def refused(stack: Stack, seconds_ago: int = 0) -> str:
    """A 429; then that it was so long ago."""
    return sql(stack, f"""
        SELECT bucket_pause('rates', 'test', 180, 60500, 1000, '429', true);
        UPDATE bucket SET paused_until = NULL,
               hit_at = hit_at - interval '{seconds_ago} s',
               learned_at = learned_at - interval '{seconds_ago} s'
         WHERE workspace = 'rates'""")


def room(stack: Stack) -> int:
    return int(sql(stack, "SELECT bucket_limit(b, 180, 60500) FROM bucket b"
                   " WHERE workspace = 'rates'"))


def test_a_lower_rate_is_learned_and_forgotten(stack: Stack) -> None:
    taken(stack, 91)
    assert refused(stack, 61) == ""  # once may be chance
    assert room(stack) == 180
    assert refused(stack) == "89"  # what it took; two were refused
    assert room(stack) == 89
    rooms = []
    for _ in range(5):  # windows without a refusal
        sql(stack, "UPDATE bucket SET learned_at = learned_at -"
            " interval '62 s' WHERE workspace = 'rates'")
        rooms.append(room(stack))
    assert rooms == sorted(rooms) and rooms[0] > 89 and rooms[-1] == 180
    taken(stack, 1)
    assert sql(stack, "SELECT learned IS NULL AND hits = 0 FROM bucket"
               " WHERE workspace = 'rates'") == "t"


def test_what_is_not_about_our_rate_only_pauses(stack: Stack) -> None:
    """A refusal when little was sent, and one at the very limit."""
    for sent in (5, 180):
        sql(stack, "DELETE FROM bucket WHERE workspace = 'rates'")
        taken(stack, sent)
        for _ in range(3):
            assert refused(stack, 61) == ""
        assert room(stack) == 180
    # a refused request was none: it does not use up the rate
    assert sql(stack, "SELECT sum(u) FROM bucket, unnest(used) u"
               " WHERE workspace = 'rates'") == "177"


def test_history_waits_while_live_jobs_are_done(stack: Stack) -> None:
    """Claims go by priority, and not at all where history has no room."""
    old, new = events(stack, MESSAGE, 2)
    psql(stack.env, "UPDATE job SET priority = 20 WHERE resource_id = :'id';"
         "INSERT INTO bucket (workspace, service, used, background_at)"
         " SELECT workspace, 'notion', '{}', now() + interval '1 hour'"
         " FROM job LIMIT 1 ON CONFLICT (workspace, service) DO UPDATE"
         " SET background_at = excluded.background_at;", id=old)
    stack.process()
    assert pages(stack, [new]) == 1 and pages(stack, [old]) == 0
    psql(stack.env, "UPDATE bucket SET background_at = NULL;")
    stack.process()
    assert pages(stack, [old]) == 1
