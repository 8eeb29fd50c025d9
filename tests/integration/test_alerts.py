"""People are told of what is wrong: once when it begins, now and then while it
lasts, once when it is over; whoever looks, and whatever becomes of messages."""

from __future__ import annotations

import contextlib
import fcntl
import http.server
import json
import os
import re
import signal
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import deliver
import pytest
from conftest import Stack, children, psql, until

pytestmark = [pytest.mark.sanitize, pytest.mark.usefixtures("known")]

MESSAGE = "2026-03-30/message.received"
SECRET = "a-token-that-nobody-is-to-see"
KEYS = {"event", "workspace", "host", "what", "part", "reason", "since",
        "remedy"}
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


class Receiver:
    """Takes messages of one format, and no others; or does as mode says: an
    answer's status, "hang" or "close"."""

    def __init__(self, format: str = "json") -> None:
        self.format = format
        self.mode: int | str = 200
        self.words = "ok"
        self.asked: list[Any] = []
        self.told: list[Any] = []
        self.refused: list[str] = []
        self.pings = 0
        self.go_on = threading.Event()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                receiver.pings += self.path == f"/ping/{SECRET}"
                self.answer(200, "pong")

            def do_POST(self) -> None:
                text = self.rfile.read(int(self.headers["Content-Length"]))
                body = json.loads(text)
                receiver.asked.append(body)
                fault = receiver.fault(self.headers["Content-Type"], body)
                mode = receiver.mode
                if fault:
                    receiver.refused.append(fault)
                    self.answer(400, fault)
                elif mode == "hang":
                    receiver.go_on.wait(60)
                elif isinstance(mode, int):
                    if mode < 300:
                        receiver.told.append(body)
                    self.answer(mode, f"at {self.path}" if mode == 404
                                else receiver.words)
                self.close_connection = True

            def answer(self, status: int, text: str) -> None:
                self.send_response(status)
                body = text.encode()
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: Any) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), Handler)
        self.host = f"http://127.0.0.1:{self.server.server_port}"
        self.url = f"{self.host}/in/{SECRET}"
        threading.Thread(target=self.server.serve_forever).start()

    def fault(self, content_type: str, body: dict[str, Any]) -> str | None:
        """What the service would refuse."""
        if content_type != "application/json":
            return "content type"
        if self.format == "slack":
            return None if body.keys() == {"text"} and body["text"] \
                else "no_text"
        if self.format == "discord":
            good = body.keys() == {"content", "allowed_mentions"} and \
                0 < len(body["content"]) <= 2000 and \
                body["allowed_mentions"] == {"parse": []}
            return None if good else "bad content"
        good = body.keys() == KEYS and \
            all(isinstance(value, str) for value in body.values())
        return None if good else "bad members"

    def stop(self) -> None:
        self.go_on.set()
        self.server.shutdown()
        self.server.server_close()

    def events(self) -> list[tuple[str, str]]:
        return [(body["event"], body["what"]) for body in self.told]


@contextlib.contextmanager
def receiving(format: str = "json") -> Iterator[Receiver]:
    made = Receiver(format)
    try:
        yield made
    finally:
        made.stop()
    assert made.refused == []


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


class Ward:
    """The stack, told to tell; what others have left in it is gone."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        self.stack = stack
        self.folder = folder
        self.said = ""

    def sql(self, script: str) -> None:
        psql(self.stack.env, script)

    def clean(self) -> None:
        self.stack.control("DELETE", "/faults")
        self.sql("DELETE FROM trouble; DELETE FROM bucket; DELETE FROM job;"
                 " DELETE FROM alert; DELETE FROM chore WHERE name = 'alert';"
                 " DELETE FROM run WHERE host = 'another';"
                 " DELETE FROM page WHERE state = 'intent';")

    def config(self, webhook: str | None, **changes: str | None) -> Path:
        return self.stack.variant(self.folder, **{
            "alert__webhook": webhook, "alert__disk": "0%",
            "webhook__spool": str(self.folder / "spool"), **changes})

    def look(self, config: Path, *args: str, expect: int | None = 0) -> str:
        """A minute later a processor comes by. What it says."""
        self.sql("UPDATE chore SET finished_at = now() - interval '2 minutes'"
                 " WHERE name = 'alert';")
        done = self.stack.run("ons-process", "--drain", *args, config=config,
                              expect=expect)
        assert SECRET not in done.stdout + done.stderr
        return done.stderr

    def later(self, what: str) -> None:
        """Two hours pass; what: the column that tells since when."""
        self.sql(f"UPDATE alert SET {what} = {what} - interval '2 hours';")

    def dead(self, n: int = 1, workspace: str = "default") -> None:
        for _ in range(n):
            self.sql("INSERT INTO job (workspace, kind, resource_id, dead)"
                     f" VALUES ('{workspace}', 'call',"
                     f" 'AC{self.stack.fresh()}', true);")

    def send(self) -> str:
        envelope = self.stack.load(MESSAGE, self.stack.fresh())
        self.stack.send(envelope)
        return deliver.resource_id(envelope)

    def written(self, key: str) -> bool:
        return bool(self.stack.rows(
            "SELECT FROM page WHERE state = 'written'"
            " AND resource_id = :'key'", key=key))


@pytest.fixture
def ward(stack: Stack, tmp_path: Path) -> Iterator[Ward]:
    stack.process()
    made = Ward(stack, tmp_path)
    made.clean()
    yield made
    made.clean()


def is_over(ward: Ward, receiver: Receiver, config: Path, what: str) -> None:
    """It is, and people are told so once; but not before it has stayed away
    for a while."""
    before = len(receiver.told)
    ward.look(config)
    assert len(receiver.told) == before
    ward.later("gone_at")
    ward.look(config)
    assert receiver.events()[before:] == [("ends", what)]
    ward.look(config)
    assert len(receiver.told) == before + 1
    assert ward.stack.rows("SELECT FROM v_alerts") == []


def test_it_begins_lasts_and_ends(ward: Ward, receiver: Receiver) -> None:
    """Once each, over eight workers and starts at the same time."""
    config = ward.config(receiver.url)
    ward.look(config)
    ward.dead(3)
    ward.sql("UPDATE chore SET finished_at = NULL WHERE name = 'alert';")
    starts = [ward.stack.start("ons-process", "--drain", "-w", "8",
                               config=config) for _ in range(3)]
    for start in starts:
        _, errors = start.communicate(timeout=120)
        assert (start.returncode, errors) == (0, b"")
    [told] = receiver.told
    assert told["event"] == "begins" and told["what"] == "dead"
    assert told["workspace"] == "default" and told["host"] == ""
    assert told["reason"] == "3 jobs were given up (call: 3)"
    assert "onsctl jobs --dead" in told["remedy"]
    assert datetime.now(timezone.utc) - datetime.fromisoformat(
        told["since"].replace("Z", "+00:00")) < timedelta(minutes=5)

    ward.look(config)
    assert len(receiver.told) == 1
    ward.later("told_at")  # less than a day
    ward.look(config)
    assert len(receiver.told) == 1
    ward.sql("UPDATE alert SET told_at = told_at - interval '1 day';")
    ward.look(config)
    assert receiver.events()[1:] == [("lasts", "dead")]
    ward.look(config)
    assert len(receiver.told) == 2

    ward.sql("DELETE FROM job;")
    is_over(ward, receiver, config, "dead")


def test_one_at_a_time(ward: Ward, receiver: Receiver) -> None:
    """While a process elsewhere tells people, and for a minute after."""
    config = ward.config(receiver.url)
    ward.look(config)
    ward.dead()
    ward.sql("INSERT INTO run (host, pid, born, program)"
             " VALUES ('another', 1, 'x', 'alert');"
             " UPDATE chore SET run = (SELECT max(id) FROM run),"
             " lease_until = now() + interval '5 min' WHERE name = 'alert';")
    ward.look(config)
    assert receiver.asked == []
    ward.sql("DELETE FROM run WHERE host = 'another';"
             " UPDATE chore SET finished_at = now() WHERE name = 'alert';")
    ward.stack.run("ons-process", "--drain", config=config)
    assert receiver.asked == []
    ward.look(config)
    assert receiver.events() == [("begins", "dead")]


def test_the_view(ward: Ward, receiver: Receiver) -> None:
    ward.dead()
    ward.sql("SELECT alert_look('', 'disk', 'web1', '[{\"part\": \"/spool\","
             " \"reason\": \"4%\", \"since\": \"2026-01-15T10:00:00Z\"}]');")
    receiver.mode = 500
    ward.look(ward.config(receiver.url))
    disk, dead = ward.stack.rows("SELECT *, next_at > now() AS later"
                                 " FROM v_alerts ORDER BY since")
    assert disk["since"].startswith("2026-01-15T10:00:00")
    assert (disk["workspace"], disk["what"], disk["host"], disk["part"],
            disk["reason"]) == (None, "disk", "web1", "/spool", "4%")
    assert (dead["workspace"], dead["what"], dead["host"], dead["part"],
            dead["reason"]) == ("default", "dead", None, None,
                                "1 job was given up (call: 1)")
    for row in disk, dead:
        assert (row["told_at"], row["gone_at"]) == (None, None)
        assert "answered 500" in row["failure"] and row["later"]


def test_what_grows_is_news(ward: Ward, receiver: Receiver) -> None:
    """Though no reminder is due; but not within the hour."""
    config = ward.config(receiver.url, alert__reminder="0s")
    ward.dead(2)
    ward.look(config)
    ward.dead()
    ward.look(config)
    assert receiver.events() == [("begins", "dead")]
    ward.later("told_at")
    ward.look(config)
    assert receiver.events()[1:] == [("lasts", "dead")]
    assert receiver.told[1]["reason"].startswith("3 jobs")
    # fewer are no news, and one more than those is
    ward.sql("DELETE FROM job WHERE id = (SELECT min(id) FROM job);")
    ward.later("told_at")
    ward.look(config)
    assert len(receiver.told) == 2
    ward.dead()
    ward.look(config)
    assert len(receiver.told) == 3


def test_what_comes_and_goes_is_told_of_once(
        ward: Ward, receiver: Receiver) -> None:
    config = ward.config(receiver.url)
    for _ in range(2):
        ward.dead()
        ward.look(config)
        ward.sql("DELETE FROM job;")
        ward.look(config)
    assert receiver.events() == [("begins", "dead")]


@pytest.mark.parametrize("format", ["slack", "discord"])
def test_formats(ward: Ward, format: str) -> None:
    """What a service said calls nobody there, and is not too long."""
    with receiving(format) as receiver:
        ward.sql("INSERT INTO trouble (workspace, service, part, reason)"
                 " VALUES ('default', 'notion', '', '<!channel> & @everyone"
                 " +15550100001 \u2026 ' || repeat('\U0001f4de', 5000));")
        ward.look(ward.config(receiver.url, alert__format=format))
        [told] = receiver.told
    text = told["text" if format == "slack" else "content"]
    assert "workspace default: notion: a person must act" in text
    assert "+15550100001" not in text and "+1555***0001" in text
    assert "What to do: " in text
    assert len(text.encode("utf-16-le")) <= 2 * 2000
    assert ("&lt;!channel&gt; &amp; " in text) == (format == "slack")


# ---- each of them ----

def test_a_person_must_act(ward: Ward, receiver: Receiver) -> None:
    config = ward.config(receiver.url)
    ward.stack.control("POST", "/faults", {
        "service": "notion", "times": -1, "path": "/v1/pages", "status": 401,
        "body": {"object": "error", "status": 401, "code": "unauthorized",
                 "message": "ordered by a test"}})
    key = ward.send()
    ward.look(config)
    ward.look(config)
    [told] = receiver.told
    assert (told["event"], told["what"], told["part"]) == (
        "begins", "paused", "notion")
    assert "[notion] api_key" in told["reason"]
    # what waits for that is no news of its own
    ward.sql("UPDATE job SET run_at = now() - interval '1 day';")
    ward.look(config)
    assert len(receiver.told) == 1

    ward.stack.control("DELETE", "/faults")
    ward.sql("UPDATE trouble SET next_at = now();")
    ward.look(config)
    assert ward.written(key)
    is_over(ward, receiver, config, "paused")


def test_backlog(ward: Ward, receiver: Receiver) -> None:
    config = ward.config(receiver.url, alert__backlog="10m")
    ward.stack.control("POST", "/faults", {
        "service": "notion", "times": 1, "path": "/v1/pages", "status": 429,
        "headers": {"Retry-After": "3600"}, "body": {}})
    key = ward.send()
    ward.look(config)
    for minutes, told in ((5, 0), (20, 1)):
        ward.sql(f"UPDATE job SET run_at = now() - interval '{minutes} min';")
        ward.look(config)
        assert len(receiver.told) == told
    assert receiver.events() == [("begins", "backlog")]
    assert re.fullmatch(r"1 job is due, the oldest for 2\d min",
                        receiver.told[0]["reason"])
    ward.sql("DELETE FROM bucket;")
    ward.look(config)
    assert ward.written(key)
    is_over(ward, receiver, config, "backlog")


def at_noon() -> tuple[str, int]:
    """A zone in which it is past twelve, and the day of the week there."""
    now = datetime.now(timezone.utc)
    ahead = (12 - now.hour + 11) % 24 - 11
    zone = f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"  # POSIX: west is +
    local = now + timedelta(hours=ahead)
    assert local.hour == 12
    return zone, local.weekday()


@pytest.mark.parametrize("silence, days, told", [
    ("1h", 0, 1), ("3h", 0, 0), ("1h", -1, 0), ("1h", 1, 0), ("0s", 0, 0)])
def test_silence(ward: Ward, receiver: Receiver, silence: str, days: int,
                 told: int) -> None:
    """The last delivery was yesterday at four: an hour to two of business
    hours ago, if there are any today."""
    zone, today = at_noon()
    config = ward.config(
        receiver.url, alert__silence=silence, sync__time_zone=zone,
        alert__business_hours=f"{DAYS[(today + days) % 7]} 11:00-14:00")
    ward.send()
    ward.stack.process()
    for table in ("event", "event_body"):
        ward.sql(f"UPDATE {table} SET received_at = received_at"
                 " - interval '20 hours'"
                 " WHERE received_at > now() - interval '20 hours';")
    ward.look(config)
    assert receiver.events() == [("begins", "silence")] * told
    if told:
        ward.send()
        is_over(ward, receiver, config, "silence")


def spool_of(ward: Ward) -> Path:
    spool = ward.folder / "spool"
    for name in ("", "new", "tmp", "bad"):
        (spool / name).mkdir(0o700)
    return spool


def test_spool(ward: Ward, receiver: Receiver) -> None:
    """Files that nobody takes in, here because somebody else is at it; then
    they turn out to be no deliveries."""
    spool = spool_of(ward)
    config = ward.config(receiver.url)
    (spool / "new/one").write_text("no delivery")
    os.utime(spool / "new/one", (1e9, 1e9))
    lock = os.open(spool / "new", os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    start = ward.stack.start("ons-process", "--drain", config=config)
    try:
        until(lambda: receiver.told)
    finally:
        os.close(lock)
        start.communicate(timeout=120)
    [told] = receiver.told
    assert (told["event"], told["what"]) == ("begins", "spooled")
    assert told["workspace"] == "" and told["host"] == os.uname().nodename
    assert f"1 deliveries wait in {spool}" in told["reason"]

    ward.look(config)
    assert receiver.events()[1:] == [("begins", "set_aside")]
    assert f"1 files in {spool}/bad" in receiver.told[1]["reason"]
    ward.later("gone_at")
    ward.look(config)
    assert receiver.events()[2:] == [("ends", "spooled")]
    for path in (spool / "bad").iterdir():
        path.unlink()
    is_over(ward, receiver, config, "set_aside")


def test_disk(ward: Ward, receiver: Receiver) -> None:
    spool_of(ward)
    disk = os.statvfs(ward.folder)
    if disk.f_bavail > 0.98 * (disk.f_blocks - disk.f_bfree + disk.f_bavail):
        pytest.skip("the disk is all but empty")
    ward.look(ward.config(receiver.url, alert__disk="99%",
                          log__file=str(ward.folder / "log")))
    [told] = receiver.told  # one file system, one message
    assert (told["event"], told["what"]) == ("begins", "disk")
    assert told["part"] == str(ward.folder / "spool")
    assert "less than 99% is free" in told["reason"]
    is_over(ward, receiver, ward.config(receiver.url), "disk")


def test_no_zone_of_the_databases(ward: Ward, receiver: Receiver) -> None:
    """It does not matter where no hours are looked at; where they are, that is
    said, and all else is told."""
    ward.dead()
    ward.send()
    config = ward.config(receiver.url, sync__time_zone="Nowhere/Land")
    assert ward.look(config) == ""
    ward.sql("DELETE FROM alert;")
    config = ward.config(receiver.url, sync__time_zone="Nowhere/Land",
                         alert__silence="1h")
    assert "Nowhere/Land" in ward.look(config)
    assert receiver.events() == [("begins", "dead")] * 2


def test_a_host_that_is_gone(ward: Ward, receiver: Receiver) -> None:
    """Nobody looks there any more."""
    config = ward.config(receiver.url)
    ward.sql("SELECT alert_look('', 'set_aside', 'another', '[{\"part\": \"\","
             " \"reason\": \"1 files\", \"amount\": 1}]');")
    ward.look(config)
    ward.look(config)
    assert receiver.events() == [("begins", "set_aside")]
    assert receiver.told[0]["host"] == "another"
    ward.sql("UPDATE alert SET seen_at = now() - interval '25 hours';")
    ward.look(config)
    ward.look(config)
    assert receiver.events()[1:] == [("ends", "set_aside")]


# ---- who does not listen ----

@pytest.mark.parametrize("mode", [404, "close"])
def test_who_does_not_listen_is_told_later(
        ward: Ward, receiver: Receiver, mode: int | str) -> None:
    """Logged once, tried again later and later, then told once, in order;
    also of what has begun and ended meanwhile."""
    config = ward.config(receiver.url)
    receiver.mode = mode
    ward.dead()
    log = ward.look(config)
    [line] = [json.loads(line) for line in log.splitlines()]
    assert line["level"] == "error" and "127.0.0.1" in line["message"]
    waits = []
    for tries in (2, 3, 4):
        assert ward.look(config) == ""
        assert len(receiver.asked) == tries - 1
        ward.sql("UPDATE alert SET next_at = now();")
        assert ward.look(config) == ""
        assert len(receiver.asked) == tries
        [row] = ward.stack.rows("SELECT tries, failure, extract(epoch FROM"
                                " next_at - now()) AS wait FROM alert")
        assert row["tries"] == tries and "127.0.0.1" in row["failure"]
        assert SECRET not in row["failure"]
        waits.append(row["wait"])
    assert 60 < waits[0] < waits[1] < waits[2] <= 480
    checks = json.loads(ward.stack.run(
        "onsctl", "--json", "doctor", config=config, expect=None).stdout)
    [check] = [one for one in checks["checks"] if one["check"] == "alert"]
    assert check["status"] == "failure" and "127.0.0.1" in check["text"]
    ward.sql("DELETE FROM job;")
    ward.look(config)
    ward.later("gone_at")
    receiver.mode = 204
    ward.look(config)
    assert receiver.told == []
    ward.sql("UPDATE alert SET next_at = now();")
    ward.look(config)
    assert receiver.events() == [("begins", "dead"), ("ends", "dead")]
    ward.look(config)
    assert len(receiver.told) == 2


def test_nothing_waits_for_who_is_slow(ward: Ward, receiver: Receiver) -> None:
    """Pages are written while nobody answers."""
    receiver.mode = "hang"
    ward.dead()
    start = ward.stack.start("ons-process", "--linger", "-w", "1",
                             config=ward.config(receiver.url))
    try:
        until(lambda: receiver.asked)
        key = ward.send()
        until(lambda: ward.written(key))
        assert not receiver.go_on.is_set() and receiver.told == []
    finally:
        start.terminate()
        start.communicate(timeout=60)
    assert start.returncode == 0


def test_killed_between_sending_and_recording(
        ward: Ward, receiver: Receiver) -> None:
    """It is told again, rather than not at all; at once, and only that once."""
    config = ward.config(receiver.url)
    receiver.mode = "hang"
    ward.dead()
    start = ward.stack.start("ons-process", "--linger", "-w", "1",
                             config=config)
    until(lambda: receiver.asked)
    for child in children(start.pid):
        os.kill(child, signal.SIGKILL)
    start.kill()
    start.communicate(timeout=60)
    receiver.mode = 200
    ward.look(config)
    ward.look(config)
    assert receiver.events() == [("begins", "dead")]
    assert len(receiver.asked) == 2


def test_workspaces(ward: Ward, receiver: Receiver) -> None:
    """Each has a webhook of its own; one that does not listen keeps no other
    from hearing."""
    with receiving("slack") as second:
        config = ward.config(receiver.url)
        with config.open("a") as file:
            file.write("[workspace default]\n[workspace second]\n"
                       f"alert.webhook = {second.url}\n"
                       "alert.format = slack\n[workspace third]\n"
                       "alert.webhook =\n")
        receiver.mode = 500
        for name in ("default", "second", "third"):
            ward.dead(workspace=name)
        ward.look(config)
        [told] = second.told
        assert "workspace second: 1 job was given up" in told["text"]
        assert len(receiver.asked) == 1 and receiver.told == []
        ward.sql("UPDATE alert SET next_at = now();")
        receiver.mode = 200
        ward.look(config)
        [told] = receiver.told
        assert told["workspace"] == "default"
        assert len(second.told) == 1


def test_ping(ward: Ward, receiver: Receiver) -> None:
    """Each round that went well; not one in which people could not be told."""
    config = ward.config(receiver.url,
                         alert__ping=f"{receiver.host}/ping/{SECRET}")
    ward.look(config)
    assert receiver.pings == 1
    ward.stack.run("ons-process", "--drain", config=config)
    assert receiver.pings == 1  # within a minute
    ward.dead()
    receiver.mode = 500
    ward.look(config)
    assert len(receiver.asked) == 1 and receiver.pings == 1
    receiver.mode = 200
    ward.sql("UPDATE alert SET next_at = now();")
    ward.look(config)
    assert len(receiver.told) == 1 and receiver.pings == 2
    # it may be all that there is
    ward.look(ward.config(None,
                          alert__ping=f"{receiver.host}/ping/{SECRET}"))
    assert receiver.pings == 3


def test_nobody_is_to_be_told(ward: Ward, receiver: Receiver) -> None:
    ward.dead()
    ward.look(ward.config(None))
    assert ward.stack.rows("SELECT FROM alert") == []
    assert ward.stack.rows("SELECT FROM chore WHERE name = 'alert'") == []


# ---- onsctl alert-test ----

@pytest.mark.parametrize("mode, status", [
    (200, 0), (204, 0), (404, 69), (500, 75), ("close", 75)])
def test_alert_test(ward: Ward, receiver: Receiver, mode: int | str,
                    status: int) -> None:
    receiver.mode = mode
    done = ward.stack.run("onsctl", "alert-test", expect=status,
                          config=ward.config(receiver.url))
    assert SECRET not in done.stdout + done.stderr
    [asked] = receiver.asked
    assert (asked["event"], asked["workspace"]) == ("test", "default")
    if isinstance(mode, int):
        assert re.match(rf"127\.0\.0\.1, as json: {mode} ", done.stdout)
    if status:
        assert "127.0.0.1" in done.stderr


def test_alert_test_for_programs(ward: Ward) -> None:
    with receiving("discord") as receiver:
        config = ward.config(receiver.url, alert__format="discord")
        done = ward.stack.run("onsctl", "--json", "alert-test", config=config)
        assert json.loads(done.stdout) == {
            "host": "127.0.0.1", "format": "discord", "status": 200,
            "answer": "ok"}


@pytest.mark.parametrize("before", ["", "x"])
def test_alert_test_with_a_long_answer(
        ward: Ward, receiver: Receiver, before: str) -> None:
    """It is cut, in the middle of no character, for JSON has only whole ones."""
    receiver.words = before + "ж" * 600 + "\nand more"
    done = ward.stack.run("onsctl", "--json", "alert-test",
                          config=ward.config(receiver.url))
    answer = json.loads(done.stdout)["answer"]
    assert "жжж" in answer and "more" not in answer


@pytest.mark.parametrize("webhook", [None, "hooks.slack.com/x", "ftp://x/y"])
def test_alert_test_without_an_address(
        ward: Ward, webhook: str | None) -> None:
    done = ward.stack.run("onsctl", "alert-test", expect=78,
                          config=ward.config(webhook))
    assert "[alert] webhook" in done.stderr
    assert webhook is None or webhook not in done.stderr
