"""onsctl doctor: what is wrong is found and named, with its remedy."""

from __future__ import annotations

import contextlib
import functools
import glob
import http.server
import json
import os
import re
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from conftest import Stack, children, psql, request, until
from private import private_cluster

pytestmark = [pytest.mark.sanitize,
              pytest.mark.usefixtures("keep_destinations")]

OK, WARNING, FAILURE = 0, 1, 2
HOOK = "/webhooks/openphone"
ALERT = "http://127.0.0.1:9/not-shown"  # nobody is told anything
DATED = {"Quo-Api-Version": "2026-03-30", "Content-Type": "application/json"}


class Patient:
    """A stack in which all is well, and what the doctor says of it."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        self.stack = stack
        self.folder = folder
        self.spool = folder / "spool"
        for name in ("", "new", "tmp"):
            (self.spool / name).mkdir(0o700)
        self.secrets = folder / "secrets"
        self.secrets.touch(0o600)
        self.webhook = self.subscribe("--url", stack.url + HOOK)

    def config(self, **changes: str | None) -> Path:
        return self.stack.variant(self.folder, **{
            "webhook__spool": str(self.spool),
            "webhook__secrets_file": str(self.secrets),
            "alert__webhook": ALERT, **changes})

    def subscribe(self, *args: str) -> str:
        done = self.stack.run("onsctl", "webhooks", "create", *args,
                              config=self.config())
        found = re.match(r"(?:made|using) webhook (\w+)", done.stdout)
        assert found, done.stdout
        return found[1]

    def doctor(self, *args: str, config: Path | None = None,
               **options: Any) -> tuple[int, str]:
        """Its exit status and what it says, in which there is no secret."""
        done = self.stack.run("onsctl", *args, expect=None,
                              config=config or self.config(), **options)
        said = done.stdout + done.stderr
        for secret in self.known_secrets():
            assert secret not in said
        return done.returncode, done.stdout

    def known_secrets(self) -> list[str]:
        env = self.stack.env
        listed = [line.split()[0]
                  for line in self.secrets.read_text().splitlines()]
        return [*listed, "not-a-key-of-theirs", "not-shown", *(env[name] for name in (
            "OPENPHONE_API_KEY", "NOTION_API_KEY", "ONS_LEGACY_KEY",
            "ONS_WEBHOOK_SECRET", "AWS_SECRET_ACCESS_KEY"))]

    def report(self, *args: str,
               **options: Any) -> tuple[int, list[dict[str, str]]]:
        status, text = self.doctor("--json", "doctor", *args, **options)
        said = json.loads(text)
        assert said["status"] == ("ok", "warning", "failure")[status]
        return status, said["checks"]

    def api(self, path: str, method: str = "GET", body: Any = None) -> Any:
        """OpenPhone, asked by somebody else than us."""
        env = self.stack.env
        answer = request(
            env["OPENPHONE_API_BASE"] + path, method,
            None if body is None else json.dumps(body).encode(),
            {"Authorization": env["OPENPHONE_API_KEY"], **DATED})
        assert answer.status < 300, answer.body
        return answer.json["data"] if answer.body else None

    def sql(self, script: str) -> None:
        psql(self.stack.env, script)

    def database(self, kind: str) -> dict[str, str]:
        [row] = self.stack.rows("SELECT database_id, data_source_id FROM"
                                " destination WHERE kind = :'kind'", kind=kind)
        return row


def at_work(patient: Patient) -> None:
    """What the tables say while cron runs, and nothing else."""
    patient.sql("""
        DELETE FROM job; DELETE FROM trouble; DELETE FROM bucket;
        DELETE FROM run;
        DELETE FROM last_run;
        INSERT INTO last_run (workspace, host, program)
        VALUES ('default', 'another', 'lingering');
        INSERT INTO chore (workspace, name, finished_at)
        VALUES ('default', 'reconcile', now())
        ON CONFLICT (workspace, name) DO UPDATE SET finished_at = now();
        DELETE FROM finding; DELETE FROM backfill_slice;
        DELETE FROM backfill;
        UPDATE media SET token = NULL,
                         stored_at = stored_at - interval '30 days'
         WHERE workspace = 'default';""")


@pytest.fixture
def patient(stack: Stack, tmp_path: Path) -> Iterator[Patient]:
    made = Patient(stack, tmp_path)
    at_work(made)
    yield made
    stack.control("DELETE", "/faults")
    made.sql("DELETE FROM last_run; DELETE FROM job;"
             " DELETE FROM trouble; DELETE FROM bucket; DELETE FROM alert;"
             " DELETE FROM event WHERE delivery_key = 'doctor';"
             " UPDATE event SET workspace = 'default'"
             "  WHERE workspace = 'put aside';")
    for surface in ("/webhooks", "/v1/webhooks"):
        for one in made.api(surface):
            made.api(f"{surface}/{one['id']}", "DELETE")


def lines(checks: list[dict[str, str]], check: str,
          status: str) -> list[dict[str, str]]:
    return [one for one in checks
            if (one["check"], one["status"]) == (check, status)]


def bad(checks: list[dict[str, str]]) -> list[dict[str, str]]:
    return [one for one in checks if one["status"] != "ok"]


def test_all_is_well(patient: Patient) -> None:
    status, checks = patient.report()
    assert status == OK, bad(checks)
    assert {one["check"] for one in checks} == {
        "configuration", "user", "files", "database", "schema", "roles",
        "spool", "cron", "queue", "probe", "recordings", "history",
        "troubles", "openphone", "webhooks", "notion", "databases", "storage",
        "intake", "link", "clock", "alert"}
    assert all(one["remedy"] is None for one in checks)
    status, text = patient.doctor("doctor")
    assert status == OK
    assert text.splitlines()[-1] == f"{len(checks)} well, 0 warnings, " \
        "0 failures"


def test_it_changes_nothing(patient: Patient) -> None:
    """Nothing at Notion or OpenPhone, nothing in the bucket, no page."""
    def others() -> list[tuple[str, str]]:
        with open(patient.stack.env["SANDBOX_RECORD"],
                  encoding="utf-8") as record:
            return [(line["method"], line["path"])
                    for line in map(json.loads, record)]

    tables = "SELECT * FROM destination ORDER BY kind"
    before, seen = patient.stack.rows(tables), len(others())
    assert patient.report()[0] == OK
    asked = others()[seen:]
    assert asked and {method for method, _ in asked} == {"GET"}
    assert len(asked) <= 12, asked
    assert patient.stack.rows(tables) == before


# ---- what may be wrong ----

class Case(NamedTuple):
    """do: what is done to the patient, or what in its configuration is
    changed; then a line with these words and remedy."""

    do: Callable[[Patient], dict[str, str | None] | None] \
        | dict[str, str | None]
    check: str
    level: int
    text: str
    remedy: str


def key_of_notion(p: Patient) -> dict[str, str | None]:
    return {"openphone__api_key": "ntn_" + "not-a-key-of-theirs"}


def swapped_ids(p: Patient) -> dict[str, str | None]:
    calls, messages = p.database("call"), p.database("message")
    p.sql("DELETE FROM destination;")
    return {"notion__calls_database": messages["database_id"],
            "notion__messages_database": calls["database_id"]}


def other_id(p: Patient) -> dict[str, str | None]:
    return {"notion__calls_database": p.database("message")["database_id"]}


def page_for_database(p: Patient) -> dict[str, str | None]:
    p.sql("DELETE FROM destination;")
    return {"notion__calls_database": p.stack.env["NOTION_PARENT_PAGE"]}


def unshared(p: Patient) -> dict[str, str | None]:
    made = p.stack.control("POST", "/notion/databases", {
        "title": "Private", "shared": False,
        "properties": {"Name": {"title": {}}}})
    p.sql("DELETE FROM destination WHERE kind = 'call';")
    return {"notion__calls_database": made["database_id"]}


def a_database(*without: str) -> Callable[[Patient], dict[str, str | None]]:
    """One for calls that a person made, and left something out."""
    def do(p: Patient) -> dict[str, str | None]:
        columns: dict[str, Any] = {
            "Name": {"title": {}}, "OpenPhone ID": {"rich_text": {}},
            "Outcome": {"select": {"options": []}}, "Duration": {
                "rich_text": {}}, "Talk time": {"rich_text": {}}}
        made = p.stack.control("POST", "/notion/databases", {
            "title": "Mine", "properties": {
                name: value for name, value in columns.items()
                if name not in without}})
        p.sql("DELETE FROM destination WHERE kind = 'call';")
        return {"notion__calls_database": made["database_id"]}
    return do


def none_yet(p: Patient) -> None:
    p.sql("DELETE FROM destination;")


def patch(**what: Any) -> Callable[[Patient], None]:
    def do(p: Patient) -> None:
        p.api(f"/webhooks/{p.webhook}", "PATCH", what)
    return do


def last_delivery(p: Patient, ago: str) -> None:
    """It came so long ago, and is the only one."""
    p.sql("UPDATE event SET workspace = 'put aside';"
          " INSERT INTO event (workspace, delivery_key, generation, kind,"
          " received_at) VALUES ('default', 'doctor', 1, 'other',"
          f" now() - interval '{ago}');")


def delivered(ago: str) -> Callable[[Patient], None]:
    """No webhook is to be seen."""
    def do(p: Patient) -> None:
        p.api(f"/webhooks/{p.webhook}", "DELETE")
        last_delivery(p, ago)
    return do


def elsewhere(p: Patient) -> None:
    patch(url="https://other.example.org/hook")(p)
    last_delivery(p, "30 days")


def old_surface(*kinds: str) -> Callable[[Patient], dict[str, str | None]]:
    """With webhooks of v1 in place of the dated one."""
    def do(p: Patient) -> dict[str, str | None]:
        p.api(f"/webhooks/{p.webhook}", "DELETE")
        p.subscribe("--v1")
        for one in p.api("/v1/webhooks"):
            if one["events"][0].split(".")[0] not in kinds:
                p.api(f"/v1/webhooks/{one['id']}", "DELETE")
        return {"openphone__api_base":
                p.stack.env["OPENPHONE_API_BASE"] + "/v1"}
    return do


def second(p: Patient) -> None:
    p.api("/webhooks", "POST", {"url": p.stack.url + HOOK,
                                "events": ["call.completed"]})


def second_v1(p: Patient) -> None:
    p.api("/v1/webhooks/calls", "POST", {
        "url": p.stack.url + HOOK, "resourceIds": ["*"],
        "events": ["call.completed"]})


def sample(p: Patient) -> None:
    """A delivery that fails."""
    request(p.stack.env["OPENPHONE_API_BASE"]
            + f"/webhooks/{p.webhook}/events/test", "POST",
            b'{"eventType": "task.created"}',
            {"Authorization": p.stack.env["OPENPHONE_API_KEY"], **DATED})
    until(lambda: p.api(f"/webhooks/{p.webhook}/events")[0]["status"]
          == "failed")


def refused(p: Patient) -> None:
    """A secret of somebody's by hand; that it is not the webhook's own only
    OpenPhone can tell."""
    p.secrets.write_text(p.stack.env["ONS_WEBHOOK_SECRET"] + "\n")
    sample(p)


def bad_files(p: Patient) -> None:
    (p.spool / "bad").mkdir(0o700)
    (p.spool / "bad/torn").write_text("torn")


def waiting_files(p: Patient) -> None:
    (p.spool / "new/one").write_text("a delivery")
    os.utime(p.spool / "new/one", (1e9, 1e9))


def spool_for_all(p: Patient) -> None:
    p.spool.chmod(0o755)


def spool_of_another(p: Patient) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root may give folders away")
    os.chown(p.spool, 65534, 65534)


def no_cron(p: Patient) -> None:
    p.sql("DELETE FROM last_run;")


def no_cron_but_work(p: Patient) -> None:
    p.sql("DELETE FROM last_run;"
          " INSERT INTO job (workspace, kind, resource_id, run_at) VALUES"
          " ('default', 'call', 'ACdoctor1', now() - interval '10 min');")


def cron_stopped(p: Patient) -> None:
    p.sql("UPDATE last_run SET started_at = now() - interval '9 min';")


def long_drain_ended(p: Patient) -> None:
    p.sql("UPDATE last_run SET program = 'draining',"
          " started_at = now() - interval '3 hours',"
          " seen_at = now() - interval '6 min';")


def cron_stopped_here(p: Patient) -> None:
    """... while another host's goes on."""
    p.stack.process()
    p.sql("UPDATE last_run SET started_at = now() - interval '2 hours',"
          " seen_at = now() - interval '2 hours' WHERE host <> 'another';")


def never_maintained(p: Patient, ago: str = "1 min") -> None:
    """The first delivery came so long ago."""
    last_delivery(p, ago)
    p.sql("DELETE FROM chore;")


def never_maintained_for_hours(p: Patient) -> None:
    never_maintained(p, "3 hours")


def no_maintain(p: Patient) -> None:
    p.sql("UPDATE chore SET finished_at = now() - interval '3 hours';")


def overdue(p: Patient) -> None:
    p.sql("INSERT INTO job (workspace, kind, resource_id, run_at) VALUES"
          " ('default', 'call', 'ACdoctor2', now() - interval '2 hours');")


def untold(p: Patient) -> None:
    p.sql("INSERT INTO alert (workspace, what, host, part, reason, amount,"
          " since, failure) VALUES ('default', 'backlog', '', '', '', 0,"
          " now() - interval '2 hours', 'hooks.slack.com answered 404');")


def dead(p: Patient) -> None:
    p.sql("INSERT INTO job (workspace, kind, resource_id, dead) VALUES"
          " ('default', 'call', 'ACdoctor3', true);")


def trouble(p: Patient) -> None:
    p.sql("INSERT INTO trouble (workspace, service, part, reason, told_at,"
          " since) VALUES ('default', 'storage', '', 'the bucket is full',"
          " now(), '2026-01-02 03:04:05.678+00');")


def paused(p: Patient) -> None:
    p.sql("INSERT INTO bucket (workspace, service, used, paused_until, reason)"
          " VALUES ('default', 'notion', array_fill(0, ARRAY[60]),"
          " now() + interval '5 min', '429 rate limit');")


def database_at(conninfo: str) -> Callable[[Patient], dict[str, str | None]]:
    def do(p: Patient) -> dict[str, str | None]:
        env = p.stack.env
        return {"database__conninfo": conninfo.format(
            host=env["PGHOST"], port=env["PGPORT"])}
    return do


def base_url(name: str) -> Callable[[Patient], dict[str, str | None]]:
    def do(p: Patient) -> dict[str, str | None]:
        return {"media__base_url": p.stack.env[name]}
    return do


def fault(service: str, **what: Any) -> Callable[[Patient], None]:
    def do(p: Patient) -> None:
        p.stack.control("POST", "/faults",
                        {"service": service, "times": -1, **what})
    return do


WRONG = "not-a-key-of-theirs"
CASES = {
    "wrong OpenPhone key": Case(
        {"openphone__api_key": WRONG}, "openphone", FAILURE, "401",
        "[openphone] api_key"),
    "key with Bearer": Case(
        {"openphone__api_key": "Bearer " + WRONG}, "openphone", FAILURE,
        "401", "without the word Bearer"),
    "Notion's key for OpenPhone": Case(
        key_of_notion, "openphone", FAILURE, "401", "a key of Notion's"),
    "no OpenPhone key": Case(
        {"openphone__api_key": None}, "configuration", FAILURE,
        "[openphone] api_key", ""),
    "OpenPhone's address": Case(
        {"openphone__api_base": "http://127.0.0.1:1"}, "openphone", FAILURE,
        "127.0.0.1", ""),
    "OpenPhone fails": Case(
        fault("openphone", status=503, path="organization"), "openphone",
        FAILURE, "503", ""),
    "wrong Notion key": Case(
        {"notion__api_key": "ntn_" + WRONG}, "notion", FAILURE, "401",
        "[notion] api_key"),
    "some key for Notion": Case(
        {"notion__api_key": WRONG}, "notion", FAILURE, "401", "begins with"),
    "no database yet": Case(
        none_yet, "databases", FAILURE, "no Notion database for calls",
        "onsctl init"),
    "ids swapped": Case(
        swapped_ids, "databases", FAILURE, "columns of one for messages",
        "swapped"),
    "another id than remembered": Case(
        other_id, "databases", FAILURE, "names another database",
        "onsctl init"),
    "a page's id": Case(
        page_for_database, "databases", FAILURE, "calls", "Connections"),
    "database not shared": Case(
        unshared, "databases", FAILURE, "not shared", "Connections"),
    "column missing": Case(
        a_database("Duration"), "databases", WARNING, "Duration",
        "init --extend"),
    "column of ids missing": Case(
        a_database("OpenPhone ID"), "databases", FAILURE, "OpenPhone ID",
        "init --extend"),
    "wrong bucket": Case(
        {"s3__bucket": "no-such-bucket"}, "storage", FAILURE, "s3",
        "[s3] bucket"),
    "wrong secret key": Case(
        {"s3__secret_key": WRONG}, "storage", FAILURE, "s3",
        "[s3] secret_key"),
    "wrong access key": Case(
        {"s3__access_key": "nobody:media"}, "storage", FAILURE, "s3",
        "[s3]"),
    "no storage server": Case(
        {"s3__endpoint": "http://127.0.0.1:1"}, "storage", FAILURE,
        "127.0.0.1", ""),
    "folder missing": Case(
        {"media__store": "file", "media__folder": "/nonexistent/media"},
        "storage", FAILURE, "/nonexistent/media", "[media] folder"),
    "portal elsewhere": Case(
        base_url("S3_ENDPOINT"), "link", FAILURE, "lead elsewhere",
        "base_url"),
    "intake elsewhere": Case(
        base_url("S3_ENDPOINT"), "intake", FAILURE, "leads elsewhere",
        "nginx"),
    "portal does not run": Case(
        base_url("ONS_FILES_URL"), "link", FAILURE, "ons-portal",
        "systemctl status ons-portal"),
    "address that nobody answers": Case(
        {"media__base_url": "http://127.0.0.1:1"}, "intake", WARNING,
        "cannot be reached", "firewall"),
    "path that nginx does not know": Case(
        {"webhook__path": "/elsewhere"}, "intake", FAILURE,
        "leads elsewhere", "[webhook] path"),
    "nginx takes less": Case(
        {"webhook__max_body": "17M"}, "intake", FAILURE,
        "answers 413 to 17408k", "client_max_body_size"),
    "webhook disabled": Case(
        patch(status="disabled"), "webhooks", FAILURE, "disabled",
        "webhooks create"),
    "event missing": Case(
        patch(events=["call.completed", "message.received"]), "webhooks",
        WARNING, "call.recording.completed", "webhooks create"),
    "webhook to another URL": Case(
        elsewhere, "webhooks", FAILURE,
        "https://other.example.org/hook", "webhooks create"),
    "no webhook": Case(
        delivered("30 days"), "webhooks", FAILURE, "no webhook",
        "webhooks create"),
    "no webhook that the API shows": Case(
        delivered("3 hours"), "webhooks", WARNING, "made in the app",
        "webhooks create"),
    "v1 without messages": Case(
        old_surface("call"), "webhooks", WARNING,
        "no webhook for messages", "create --v1"),
    "second webhook": Case(
        second, "webhooks", WARNING, "2 webhooks", "webhooks delete"),
    "second webhook's secret": Case(
        second, "webhooks", FAILURE, "secret that we do not have",
        "--adopt"),
    "v1 webhook's key": Case(
        second_v1, "webhooks", FAILURE, "key that we do not have",
        "legacy_keys"),
    "deliveries refused": Case(
        refused, "webhooks", FAILURE, "refused with 401", "webhooks test"),
    "database down": Case(
        database_at(f"host=/nonexistent dbname=ons password={WRONG}"),
        "database", FAILURE, "/nonexistent", "[database]"),
    "another database": Case(
        database_at("host={host} port={port} dbname=template1"), "schema",
        FAILURE, "migration", "onsctl migrate"),
    "wrong role": Case(
        {"database__webhook": "user=ons_portal"}, "roles", FAILURE,
        "ons-webhook may not store deliveries", "roles.sql"),
    "role of the portal for the processor": Case(
        {"database__process": "user=ons_portal"}, "roles", FAILURE,
        "ons-process may not work on jobs", "roles.sql"),
    "no such role": Case(
        {"database__portal": "user=nobody_knows"}, "roles", FAILURE,
        "ons-portal cannot connect", "roles.sql"),
    "spool is no folder": Case(
        {"webhook__spool": "/dev/null/spool"}, "spool", FAILURE,
        "Not a directory", "install -d"),
    "spool missing": Case(
        {"webhook__spool": "/nonexistent/spool"}, "spool", FAILURE,
        "No such file", "install -d"),
    "spool with bad files": Case(
        bad_files, "spool", WARNING, "1 files", "move them"),
    "spool that nobody takes in": Case(
        waiting_files, "spool", FAILURE, "1 deliveries", "ons-process"),
    "spool open to all": Case(
        spool_for_all, "files", WARNING, "0755", "chmod 0700"),
    "not the programs' user": Case(
        spool_of_another, "user", WARNING, "belongs to", "sudo -u"),
    "not public": Case(
        {"media__link": "public"}, "storage", FAILURE, "not to be had",
        "served to everybody"),
    "no cron": Case(
        no_cron, "cron", FAILURE, "no ons-process", "/etc/cron.d"),
    "no cron, and work": Case(
        no_cron_but_work, "cron", FAILURE, "due for 10 min", "/etc/cron.d"),
    "cron stopped": Case(
        cron_stopped, "cron", FAILURE, "9 min ago", "/etc/cron.d"),
    "cron stopped, a long drain": Case(
        long_drain_ended, "cron", FAILURE, "3 h ago", "/etc/cron.d"),
    "cron stopped here": Case(
        cron_stopped_here, "cron", WARNING, "spool here waits",
        "/etc/cron.d"),
    "maintain not yet": Case(
        never_maintained, "cron", OK, "not been at its end yet", ""),
    "never maintained": Case(
        never_maintained_for_hours, "cron", WARNING, "never been at its end",
        "/etc/cron.d"),
    "no maintain": Case(
        no_maintain, "cron", WARNING, "3 h ago", "/etc/cron.d"),
    "backlog": Case(overdue, "queue", FAILURE, "2 h", "onsctl jobs"),
    "dead job": Case(
        dead, "queue", WARNING, "1 jobs were given up", "onsctl retry"),
    "trouble": Case(
        trouble, "troubles", FAILURE,
        "storage since 2026-01-02 03:04:05+00: the bucket is full",
        "by itself"),
    "pause": Case(
        paused, "queue", WARNING, "notion until", "rate"),
    "nobody is told": Case(
        {"alert__webhook": None}, "alert", WARNING, "nobody is told",
        "[alert] webhook"),
    "no address to tell": Case(
        {"alert__webhook": "hooks.slack.com/services/not-shown"}, "alert",
        FAILURE, "no address", "as it was shown"),
    "told unencrypted": Case(
        {"alert__webhook": "http://chat.example.org/not-shown"}, "alert",
        WARNING, "unencrypted", "https"),
    "alerts that nobody takes": Case(
        untold, "alert", FAILURE, "2 h: hooks.slack.com answered 404",
        "alert-test"),
}


@pytest.mark.parametrize("name", CASES)
def test_it_is_found_and_named(patient: Patient, name: str) -> None:
    case = CASES[name]
    changes = case.do if isinstance(case.do, dict) else case.do(patient)
    status, checks = patient.report(config=patient.config(**changes or {}))
    level = ("ok", "warning", "failure")[case.level]
    said = lines(checks, case.check, level)
    assert any(case.text in one["text"]
               and case.remedy in one["text"] + (one["remedy"] or "")
               for one in said), bad(checks)
    assert status >= case.level


@pytest.mark.parametrize("status, text, remedy", [
    (413, "too large", "client_max_body_size"),
    (503, "answered 503", "intake"), (0, "no answer", "certificate")])
def test_deliveries_that_fail_on_the_way(patient: Patient, status: int,
                                         text: str, remedy: str) -> None:
    """At the front server, or before it."""
    url = patient.stack.env["SANDBOX_MEDIA"] + HOOK
    patient.api(f"/webhooks/{patient.webhook}", "PATCH", {"url": url})
    fault("media", method="POST", **(
        {"status": status} if status else {"drop": "before"}))(patient)
    sample(patient)
    _, checks = patient.report("--url", url)
    [said] = lines(checks, "webhooks", "failure")
    assert text in said["text"] and remedy in said["remedy"]


@pytest.mark.parametrize("status", [100, 401, 405, 413, None])
def test_a_front_server_is_only_asked(patient: Patient,
                                      status: int | None) -> None:
    """What it says to the headers of a large delivery; None: nothing. Nobody
    gets the body."""
    came: list[tuple[str | None, bytes]] = []

    class Front(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "18")
            self.end_headers()
            self.wfile.write(b'{"status":"ready"}')

        def handle_expect_100(self) -> bool:
            if status is None:
                return True
            if status == 100:
                return super().handle_expect_100()
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()
            self.do_POST()
            return False

        def do_POST(self) -> None:
            came.append((self.headers["Content-Length"], self.rfile.read()))

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Front)
    threading.Thread(target=server.serve_forever).start()
    try:
        _, checks = patient.report(
            "--url", f"http://127.0.0.1:{server.server_port}{HOOK}",
            config=patient.config(webhook__max_body="3000k"))
    finally:
        server.shutdown()
        server.server_close()
    [said] = [one for one in checks if one["check"] == "intake"]
    if status in (100, 401):
        assert said["status"] == "ok" and "up to 3000k" in said["text"]
    elif status is None:
        assert said["status"] == "warning" and "not known" in said["text"]
    else:
        assert said["status"] == "failure" and f" {status} " in said["text"]
    assert came == [("3072000", b"")]


@pytest.mark.parametrize("left_out", [
    {"openphone__api_key": WRONG}, {"notion__api_key": WRONG},
    {"s3__secret_key": WRONG}, {"database__conninfo": "host=/nonexistent"}],
    ids=lambda changes: next(iter(changes)))
def test_one_that_fails_does_not_stop_the_rest(
        patient: Patient, left_out: dict[str, str | None]) -> None:
    _, checks = patient.report(config=patient.config(**left_out))
    failed = {one["check"] for one in checks if one["status"] == "failure"}
    assert len(failed) == 1, checks
    well = {one["check"] for one in checks if one["status"] == "ok"}
    assert len(well) >= 7 and {"spool", "intake"} <= well


# ---- what is as it should be ----

def test_webhooks_of_the_older_surface(patient: Patient) -> None:
    changes = old_surface("call", "message")(patient)
    status, checks = patient.report(config=patient.config(**changes))
    assert status == OK, bad(checks)
    assert len(lines(checks, "webhooks", "ok")) == 4


def test_a_trouble_that_is_over_ends(patient: Patient) -> None:
    patient.sql("INSERT INTO trouble (workspace, service, part, reason,"
                " told_at) VALUES ('default', 'notion', '', 'a key', now());")
    status, checks = patient.report()
    assert status == OK, bad(checks)
    assert patient.stack.rows("SELECT FROM v_troubles") == []


def test_ids_of_data_sources_do(patient: Patient) -> None:
    changes = {f"notion__{kind}s_database":
               patient.database(kind)["data_source_id"]
               for kind in ("call", "message")}
    assert patient.report(config=patient.config(**changes))[0] == OK
    patient.sql("DELETE FROM destination;")
    status, checks = patient.report(config=patient.config(**changes))
    assert status == OK, bad(checks)
    assert patient.stack.count("destination") == 0


def test_a_renamed_column_is_found(patient: Patient) -> None:
    """By the id that is remembered."""
    source = patient.database("call")["data_source_id"]
    headers = {"Authorization": "Bearer " + patient.stack.env[
                   "NOTION_API_KEY"], "Notion-Version": "2026-03-11",
               "Content-Type": "application/json"}
    url = patient.stack.env["NOTION_API_BASE"] + f"/v1/data_sources/{source}"

    def rename(old: str, new: str) -> None:
        body = {"properties": {old: {"name": new}}}
        answer = request(url, "PATCH", json.dumps(body).encode(), headers)
        assert answer.status == 200, answer.body

    rename("Duration", "How long")
    try:
        assert patient.report()[0] == OK
    finally:
        rename("How long", "Duration")


def test_a_key_that_ends_in_a_newline(patient: Patient) -> None:
    key = patient.folder / "key"
    key.touch(0o600)
    key.write_text(patient.stack.env["NOTION_API_KEY"] + "\n\n")
    config = patient.config(notion__api_key=None,
                            notion__api_key_file=str(key))
    assert patient.report(config=config)[0] == OK


def test_a_link_that_leads_to_its_file(patient: Patient) -> None:
    patient.sql(
        "INSERT INTO media (workspace, kind, resource_id, slot, state, key,"
        " token) VALUES ('default', 'call', 'ACdoctor9', 'voicemail',"
        " 'stored', 'a/file.mp3', 'doctor-' || repeat('x', 20));")
    try:
        status, checks = patient.report()
        [said] = lines(checks, "link", "ok")
        assert status == OK and "leads to its file" in said["text"]
        # of a portal that has another storage behind it
        config = patient.config(s3__endpoint="http://127.0.0.1:1")
        _, checks = patient.report(config=config)
        assert lines(checks, "link", "failure"), checks
    finally:
        patient.sql("DELETE FROM media WHERE resource_id = 'ACdoctor9';")


def test_a_folder_in_place_of_a_bucket(patient: Patient) -> None:
    folder = patient.folder / "media"
    folder.mkdir()
    config = patient.config(media__store="file", media__folder=str(folder))
    status, checks = patient.report(config=config)
    assert status == OK, bad(checks)
    assert list(folder.iterdir()) == []


def test_files_in_public(patient: Patient) -> None:
    folder = patient.folder / "media"
    folder.mkdir()
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(
            http.server.SimpleHTTPRequestHandler, directory=str(folder)))
    threading.Thread(target=server.serve_forever).start()
    try:
        status, checks = patient.report(
            "--url", patient.stack.url + HOOK, config=patient.config(
                media__store="file", media__folder=str(folder),
                media__link="public", media__base_url=
                f"http://127.0.0.1:{server.server_port}"))
    finally:
        server.shutdown()
        server.server_close()
    assert status == OK, bad(checks)
    assert not lines(checks, "link", "ok")


@contextlib.contextmanager
def lingering(patient: Patient, *args: str) -> Iterator[list[int]]:
    """An ons-process, as cron starts it; its workers, who have begun."""
    patient.sql("DELETE FROM run; DELETE FROM last_run;")
    child = patient.stack.start("ons-process", "--linger", "-w", "1", *args,
                                config=patient.config())
    try:
        until(lambda: patient.stack.count("run") == 2)
        yield children(child.pid)
    finally:
        for pid in children(child.pid):
            os.kill(pid, signal.SIGCONT)
        child.terminate()
        child.communicate()


def test_a_processor_that_cron_started(patient: Patient) -> None:
    with lingering(patient):
        status, checks = patient.report()
    assert status == OK, bad(checks)
    [probe] = lines(checks, "probe", "ok")
    assert "has done a job of doctor's own" in probe["text"]


def test_a_processor_that_does_nothing(patient: Patient) -> None:
    with lingering(patient) as workers:
        for pid in workers:
            os.kill(pid, signal.SIGSTOP)
        status, checks = patient.report()
        assert status == FAILURE
        [probe] = lines(checks, "probe", "failure")
        assert "took no job" in probe["text"] and "logs" in probe["remedy"]
        assert patient.stack.rows("SELECT FROM job") == []


def test_a_processor_that_is_busy(patient: Patient) -> None:
    with lingering(patient) as workers:
        for pid in workers:
            os.kill(pid, signal.SIGSTOP)
        patient.sql("INSERT INTO job (workspace, kind, resource_id, lease_until"
                    ") VALUES ('default', 'call', 'ACbusy', now() + '1 min');")
        _, checks = patient.report()
        [probe] = lines(checks, "probe", "warning")
        assert "1 are busy" in probe["text"]
        patient.sql("DELETE FROM job;")


def test_no_probe_while_all_jobs_wait(patient: Patient) -> None:
    with lingering(patient):
        patient.sql("INSERT INTO bucket (workspace, service, used, paused_until"
                    ") VALUES ('default', 'notion', '{}', now() + '1 min');")
        _, checks = patient.report()
        [probe] = lines(checks, "probe", "ok")
        assert "all jobs wait for Notion" in probe["text"]


def test_a_processor_that_had_nothing_to_do(patient: Patient) -> None:
    """It is gone at once, and was there all the same; hosts that are long gone
    are not remembered."""
    patient.sql("DELETE FROM last_run; INSERT INTO last_run (workspace, host,"
                " program, seen_at) SELECT 'default', host, 'draining',"
                " now() - interval '31 days' FROM unnest(ARRAY['another',"
                f" '{os.uname().nodename}']) AS host;")
    patient.stack.run("ons-process", "--drain", config=patient.config())
    [row] = patient.stack.rows("SELECT *, now() - seen_at < interval '1 min'"
                               " AS fresh FROM last_run")
    assert (row["workspace"], row["host"], row["program"], row["fresh"]) == (
        "default", os.uname().nodename, "draining", True)
    assert patient.report()[0] == OK


def test_a_processor_that_drains_for_hours(patient: Patient) -> None:
    """Its start is long ago, but it was seen a moment ago."""
    patient.sql("UPDATE last_run SET program = 'draining',"
                " started_at = now() - interval '3 hours';")
    assert patient.report()[0] == OK
    patient.sql("UPDATE last_run SET program = 'lingering';")
    assert patient.report()[0] == FAILURE


def test_a_processor_that_stays_is_seen(patient: Patient) -> None:
    """Each minute; here one is a second."""
    found = glob.glob("/usr/lib/*/faketime/libfaketime.so.1")
    program = Path(patient.stack.env["ONS_BIN"]) / "ons-process"
    if not found or b"__asan_init" in program.read_bytes():
        pytest.skip("needs faketime, and programs without sanitizers")
    child = patient.stack.start(
        "ons-process", "--linger", config=patient.config(),
        env={"LD_PRELOAD": found[0], "FAKETIME": "+0 x60"})
    try:
        until(lambda: patient.stack.count("last_run WHERE host <> 'another'"))
        patient.sql("UPDATE last_run SET seen_at = now() - interval '1 h';")
        until(lambda: patient.stack.count(
            "last_run WHERE seen_at > now() - interval '1 min'"))
    finally:
        child.terminate()
        child.communicate()


# ---- files ----

def test_files_that_others_may_read_or_change(patient: Patient) -> None:
    config = patient.config()
    for path, mode, check in ((patient.secrets, 0o644, "configuration"),
                              (config, 0o644, "configuration"),
                              (patient.secrets, 0o660, "files"),
                              (config, 0o660, "files")):
        before = path.stat().st_mode
        path.chmod(mode)
        status, checks = patient.report(config=config)
        path.chmod(before)
        [said] = lines(checks, check, "failure")
        assert status == FAILURE and str(path) in said["text"]
        assert "chmod" in said["text"] + (said["remedy"] or "")
    assert patient.report(config=config)[0] == OK


def test_a_configuration_with_a_mistake(patient: Patient) -> None:
    config = patient.config(notion__colour="blue")
    for args in (("doctor",), ("doctor", "--nagios")):
        status, text = patient.doctor(*args, config=config)
        assert status == FAILURE and "colour" in text


def test_the_schema_is_behind(patient: Patient) -> None:
    [row] = patient.stack.rows("SELECT version, name FROM migration"
                               " ORDER BY version DESC LIMIT 1")
    last = f"{row['version']}, '{row['name']}'"
    patient.sql(f"DELETE FROM migration WHERE version = {row['version']};")
    try:
        status, checks = patient.report()
    finally:
        patient.sql("INSERT INTO migration (version, name)"
                    f" VALUES ({last});")
    [said] = lines(checks, "schema", "failure")
    assert status == FAILURE and "onsctl migrate" in said["remedy"]
    patient.sql("INSERT INTO migration (version, name)"
                " VALUES (9000, 'later');")
    try:
        status, checks = patient.report()
    finally:
        patient.sql("DELETE FROM migration WHERE version = 9000;")
    [said] = lines(checks, "schema", "failure")
    assert "newer programs" in said["remedy"]


# ---- time ----

@pytest.mark.parametrize("off, level", [("+10m", "failure"),
                                        ("-10m", "failure"),
                                        ("+40s", "warning")])
def test_a_clock_that_is_wrong(patient: Patient, off: str,
                               level: str) -> None:
    found = glob.glob("/usr/lib/*/faketime/libfaketime.so.1")
    program = Path(patient.stack.env["ONS_BIN"]) / "onsctl"
    if not found or b"__asan_init" in program.read_bytes():
        pytest.skip("needs faketime, and programs without sanitizers")
    status, checks = patient.report(
        env={"LD_PRELOAD": found[0], "FAKETIME": off})
    [said] = lines(checks, "clock", level)
    assert "NTP" in said["remedy"]
    assert ("ahead" if off[0] == "+" else "behind") in said["text"]
    assert lines(checks, "database", "warning"), checks


@pytest.mark.parametrize("service, key", [("openphone", "organization"),
                                          ("notion", "users/me")])
def test_no_answer_has_an_end(patient: Patient, service: str,
                              key: str) -> None:
    patient.stack.control("POST", "/faults", {
        "service": service, "times": -1, "path": key, "hang": 30})
    config = patient.config(**{f"{service}__timeout": "300ms"})
    _, checks = patient.report(config=config)
    assert lines(checks, service, "failure")
    assert lines(checks, "clock", "ok") and lines(checks, "storage", "ok")


def test_a_database_that_hangs(patient: Patient) -> None:
    """It is asked once; what needs no database is looked at."""
    with private_cluster(patient.stack) as cluster:
        config = cluster.config(
            webhook__spool=str(patient.spool), database__timeout="500ms",
            webhook__secrets_file=str(patient.secrets), alert__webhook=ALERT)
        cluster.freeze()
        _, checks = patient.report(config=config)
        cluster.thaw()
    assert [one["check"] for one in bad(checks)] == ["database"]
    assert {"openphone", "webhooks", "notion", "storage"} <= {
        one["check"] for one in checks}


def test_a_role_that_this_user_may_not_be(patient: Patient) -> None:
    """As when it is run as root."""
    with private_cluster(patient.stack) as cluster:
        [row] = cluster.rows("SELECT current_setting('hba_file') AS path")
        hba = Path(row["path"])
        hba.write_text("local all ons_portal peer\n" + hba.read_text())
        cluster.rows("SELECT pg_reload_conf()")
        config = cluster.config(alert__webhook=ALERT,
                                database__portal="user=ons_portal")

        def said() -> list[dict[str, str]]:
            return [one for one in lines(patient.report(config=config)[1],
                                         "roles", "failure")
                    if "Peer authentication failed" in one["text"]]

        until(said)
        assert "programs' user (sudo -u)" in said()[0]["text"]


# ---- for machines ----

def test_nagios(patient: Patient) -> None:
    numbers = r" \| (?:'?\w+'?=-?\d+ ?)+\n"
    status, text = patient.doctor("doctor", "--nagios")
    assert status == OK
    assert re.fullmatch(r"ONS OK - \d+ checks are well" + numbers, text)
    dead(patient)
    status, text = patient.doctor("doctor", "--nagios")
    assert status == WARNING and " dead=1 " in text
    assert re.fullmatch(r"ONS WARNING - queue: 1 jobs .*" + numbers, text)
    patient.sql("INSERT INTO trouble (workspace, service, part, reason)"
                " VALUES ('default', 'storage', '', 'a | b' || chr(10));")
    status, text = patient.doctor("doctor", "--nagios")
    assert status == FAILURE and text.count("|") == 1
    assert re.fullmatch(r"ONS CRITICAL - troubles: .*; queue: .*" + numbers,
                        text)


def test_monitoring_tells_by_itself(patient: Patient) -> None:
    config = patient.config(alert__webhook=None)
    assert patient.doctor("doctor", config=config)[0] == WARNING
    status, text = patient.doctor("doctor", "--nagios", config=config)
    assert status == OK, text


def test_wrong_usage(patient: Patient) -> None:
    assert patient.doctor("doctor", "something")[0] == 64
    assert patient.doctor("doctor", "--wrong")[0] == 64
