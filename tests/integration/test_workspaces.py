"""Several workspaces: each with accounts, keys, databases, paths and workers of
its own; what happens to one of them does not matter to the others."""

from __future__ import annotations

import base64
import contextlib
import http.server
import json
import re
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import deliver
import pytest
from conftest import TOP, Answer, Stack, psql, request, title, until
from private import (
    Cluster, Responder, fastcgi, parse_cgi, private_cluster)

MESSAGE = "2026-03-30/message.received"
CALL = "v4/call.completed"
NAMES = ("east", "west")


class Account:
    """A sandbox of its own: keys at OpenPhone and Notion that no other has."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder / name
        self.process = subprocess.Popen(
            ["/usr/bin/python3", TOP / "tests/sandbox/sandbox.py",
             "--state", self.folder])
        until(lambda: (self.folder / "sandbox.env").exists())
        self.env = deliver.read_env(self.folder / "sandbox.env")
        raw = base64.b64encode(name.encode().ljust(24, b"-")).decode()
        self.keys = {"ONS_WEBHOOK_SECRET": "whsec_" + raw,
                     "ONS_LEGACY_KEY": raw}
        unlimited = {"limit": 1000000, "window": 1}
        self.control("POST", "/limits",
                     {"notion": unlimited, "openphone": unlimited})

    def control(self, method: str, path: str, data: Any = None) -> Any:
        body = None if data is None else json.dumps(data).encode()
        answer = request(self.env["SANDBOX_URL"] + path, method, body)
        assert answer.status < 300, answer.body
        return json.loads(answer.body or b"null")

    def stop(self) -> None:
        self.process.terminate()
        assert self.process.wait(20) == 0

    def titles(self) -> list[str]:
        return [title(page) for page in self.control("GET", "/notion/pages")]

    def section(self) -> str:
        return f"""
[workspace {self.name}]
webhook.secrets = {self.keys["ONS_WEBHOOK_SECRET"]}
webhook.legacy_keys = {self.keys["ONS_LEGACY_KEY"]}
openphone.api_key = {self.env["OPENPHONE_API_KEY"]}
openphone.api_base = {self.env["OPENPHONE_API_BASE"]}
notion.api_key = {self.env["NOTION_API_KEY"]}
notion.api_base = {self.env["NOTION_API_BASE"]}
notion.parent_page = {self.env["NOTION_PARENT_PAGE"]}
s3.prefix = {self.name}/
"""


class World:
    """Two accounts, a database, an ons-webhook for both."""

    def __init__(self, stack: Stack, cluster: Cluster,
                 accounts: dict[str, Account]) -> None:
        self.stack = stack
        self.cluster = cluster
        self.accounts = accounts
        self.base = cluster.config(
            webhook__secrets_file=None, webhook__legacy_keys=None,
            openphone__api_key=None, notion__api_key=None,
            notion__parent_page=None)
        self.config = self.variant(
            *(account.section() for account in accounts.values()))

    def variant(self, *sections: str) -> Path:
        path = self.cluster.folder / f"{self.stack.fresh()}.conf"
        path.touch(0o600)
        path.write_text(self.base.read_text() + "".join(sections))
        return path

    def run(self, program: str, *args: str, **more: Any) -> Any:
        return self.stack.run(program, *args,
                              **{"config": self.config, **more})

    @contextlib.contextmanager
    def lingering(self) -> Iterator[None]:
        processor = self.stack.start("ons-process", "--linger",
                                     config=self.config)
        try:
            yield
        finally:
            processor.terminate()
            _, errors = processor.communicate(timeout=30)
        assert processor.returncode == 0, errors

    def post(self, path: str, envelope: Any, keys: dict[str, str]) -> Answer:
        item = deliver.delivery("", envelope)
        return fastcgi(self.responder.sock, "POST", path, item.body,
                       deliver.sign(item, keys))

    def send(self, name: str, event: str = MESSAGE) -> str:
        """A delivery of a new resource to a workspace; the resource's id."""
        envelope = self.stack.load(event, self.stack.fresh())
        answer = self.post(f"{deliver.WEBHOOK_PATH}/{name}", envelope,
                           self.accounts[name].keys)
        assert answer.status == 200, answer.body
        return deliver.resource_id(envelope)

    def written(self, name: str) -> set[str]:
        return {row["resource_id"] for row in self.cluster.rows(
            "SELECT resource_id FROM page WHERE workspace = :'name'"
            " AND state = 'written'", name=name)}

    def is_written(self, name: str, key: str) -> None:
        until(lambda: key in self.written(name))


class Both(Responder):
    """Answers at the path of one of its workspaces."""

    def answers(self) -> bool:
        return fastcgi(self.sock, "GET",
                       f"{deliver.WEBHOOK_PATH}/east").status == 200


@pytest.fixture(scope="module")
def world(stack: Stack) -> Iterator[World]:
    with contextlib.ExitStack() as later:
        cluster = later.enter_context(private_cluster(stack))
        accounts = {}
        for name in NAMES:
            accounts[name] = Account(name, cluster.folder)
            later.callback(accounts[name].stop)
        world = World(stack, cluster, accounts)
        world.run("onsctl", "init")
        world.responder = Both(stack, world.config, cluster.folder)
        later.callback(world.responder.stop)
        yield world


@pytest.fixture(autouse=True)
def clean(world: World) -> Iterator[None]:
    """No fault, trouble or job is left to the tests after."""
    yield
    for account in world.accounts.values():
        account.control("DELETE", "/faults")
    psql(world.cluster.env, "DELETE FROM trouble; DELETE FROM bucket;"
         " DELETE FROM job; DELETE FROM page WHERE state = 'intent';")


def refused(account: Account, status: int = 401) -> None:
    account.control("POST", "/faults", {
        "service": "notion", "times": -1, "status": status, "body": {
            "object": "error", "status": status, "code": "unauthorized",
            "message": "ordered by a test"}})


# --- paths and keys ---

def test_each_has_its_path_and_its_pages(world: World) -> None:
    sent = {name: world.send(name) for name in NAMES}
    world.run("ons-process", "--drain")
    for name, other in (NAMES, NAMES[::-1]):
        assert sent[name] in world.written(name)
        assert sent[name] not in world.written(other)
        assert sent[name] in json.dumps(
            world.accounts[name].control("GET", "/notion/pages"))
        assert sent[name] not in json.dumps(
            world.accounts[other].control("GET", "/notion/pages"))
    assert all(account.control("GET", "/stats")["violations"] == []
               for account in world.accounts.values())


def test_the_same_id_in_two_workspaces(world: World) -> None:
    envelope = world.stack.load(MESSAGE, world.stack.fresh())
    key = deliver.resource_id(envelope)
    for name in NAMES:
        answer = world.post(f"{deliver.WEBHOOK_PATH}/{name}", envelope,
                            world.accounts[name].keys)
        assert answer.status == 200
    world.run("ons-process", "--drain")
    assert all(key in world.written(name) for name in NAMES)


@pytest.mark.parametrize("event", [MESSAGE, CALL])
def test_keys_of_another_workspace_are_no_good(
        world: World, event: str) -> None:
    envelope = world.stack.load(event, world.stack.fresh())
    answer = world.post(f"{deliver.WEBHOOK_PATH}/east", envelope,
                        world.accounts["west"].keys)
    assert answer.status == 401
    assert deliver.resource_id(envelope) not in world.cluster.resources()


@pytest.mark.parametrize("path", [
    "", "/", "/north", "/default", "/eas", "/east/", "/east/x", "/EAST",
    "east"])
def test_an_unknown_name_is_as_any_unknown_path(
        world: World, path: str) -> None:
    """Nothing tells which there are."""
    nowhere = fastcgi(world.responder.sock, "GET", "/nowhere")
    assert nowhere.status == 404
    for method in ("GET", "POST", "PUT"):
        answer = fastcgi(world.responder.sock, method,
                         deliver.WEBHOOK_PATH + path, b"{}")
        assert (answer.status, answer.body) == (404, nowhere.body)


def test_the_path_without_a_name_is_of_default(
        world: World, tmp_path: Path) -> None:
    east = world.accounts["east"]
    config = world.variant(
        f"[webhook]\nsecrets = {east.keys['ONS_WEBHOOK_SECRET']}\n",
        "[workspace default]\n", "[workspace b]\n")
    item = deliver.delivery("", world.stack.load(MESSAGE, world.stack.fresh()))
    for path in (deliver.WEBHOOK_PATH, deliver.WEBHOOK_PATH + "/default"):
        headers = {"HTTP_" + name.upper().replace("-", "_"): value
                   for name, value in deliver.sign(item, east.keys).items()}
        answer = parse_cgi(world.run(
            "ons-webhook", config=config, input=item.body, env={
                "GATEWAY_INTERFACE": "CGI/1.1", "REQUEST_METHOD": "POST",
                "SCRIPT_NAME": path, "REQUEST_URI": path,
                "CONTENT_LENGTH": str(len(item.body)), **headers}).stdout)
        assert answer.status == 200
    assert world.cluster.rows(
        "SELECT DISTINCT workspace FROM event WHERE resource_id = :'id'",
        id=deliver.resource_id(json.loads(item.body))) == [
            {"workspace": "default"}]


def test_nginx_passes_the_name_on(stack: Stack) -> None:
    ready = stack.request("GET", deliver.WEBHOOK_PATH + "/default")
    assert (ready.status, ready.json) == (200, {"status": "ready"})
    other = stack.request("GET", deliver.WEBHOOK_PATH + "/other")
    assert (other.status, other.json["error"]) == (404, "not_found")


def test_a_workspace_without_secrets_is_named(world: World) -> None:
    config = world.variant(world.accounts["east"].section(),
                           "[workspace bare]\n")
    failed = world.run("ons-webhook", config=config, expect=78)
    assert "[workspace bare]" in failed.stderr
    assert "no signing secret" in failed.stderr


# --- files ---

def test_links_of_all_workspaces(world: World) -> None:
    """Each to the storage of its own; none of a workspace that is gone."""
    for name in NAMES:
        psql(world.cluster.env,
             "INSERT INTO media (workspace, kind, resource_id, slot, state,"
             " key, token) VALUES (:'name', 'call', :'name', 'voicemail',"
             " 'stored', :'name' || '/x.mp3', repeat(:'name', 8));", name=name)

    def look(name: str, config: Path) -> Answer:
        return parse_cgi(world.run("ons-portal", config=config, env={
            "GATEWAY_INTERFACE": "CGI/1.1", "REQUEST_METHOD": "GET",
            "SCRIPT_NAME": f"/r/{name * 8}",
            "REQUEST_URI": f"/r/{name * 8}"}).stdout)

    west = world.accounts["west"]
    config = world.variant(world.accounts["east"].section(), west.section(),
                           "s3.bucket = bucket-of-west\n")
    there = look("west", config)
    assert there.status == 302
    assert "/bucket-of-west/west/x.mp3?" in there.headers["Location"]
    assert "/east/x.mp3?" in look("east", config).headers["Location"]
    assert "bucket-of-west" not in look("east", config).headers["Location"]
    assert look("east", world.variant(west.section())).status == 404


# --- one does not slow the other ---

def test_a_slow_notion_slows_its_own_workspace(world: World) -> None:
    """More jobs than there are workers hang; the other's pages come before any
    of them is done."""
    world.accounts["east"].control("POST", "/faults", {
        "service": "notion", "times": -1, "delay": 300.0})
    slow = {world.send("east") for _ in range(10)}
    with world.lingering():
        until(lambda: len(world.cluster.rows(
            "SELECT FROM job WHERE workspace = 'east'"
            " AND lease_until > now()")) == 4)
        for _ in range(3):
            world.is_written("west", world.send("west"))
        assert not slow & world.written("east")
        assert world.cluster.rows(
            "SELECT count(*) FROM job WHERE workspace = 'east'"
            " AND lease_until > now()") == [{"count": 4}]


def test_a_refused_key_stops_its_own_workspace(world: World) -> None:
    refused(world.accounts["east"])
    stuck = {world.send("east") for _ in range(6)}
    with world.lingering():
        until(lambda: world.cluster.rows("SELECT FROM v_troubles"))
        for _ in range(3):
            world.is_written("west", world.send("west"))
        assert not stuck & world.written("east")
        status = world.run("onsctl", "status").stdout
        assert "TROUBLE     east: notion since" in status
        assert status.count("TROUBLE") == 1
        world.accounts["east"].control("DELETE", "/faults")
        world.run("onsctl", "--workspace", "east", "init")
        until(lambda: stuck <= world.written("east"))


# --- onsctl ---

def test_which_workspace_is_meant(world: World) -> None:
    for command in ("jobs", "backfill", "relink", "webhooks delete WH1",
                    "webhooks rotate", "send-test --url http://127.0.0.1:1",
                    "doctor --nagios", "doctor --url http://127.0.0.1:1"):
        asked = world.run("onsctl", *command.split(), expect=64)
        assert asked.stderr == "onsctl: which one? --workspace east, west\n"
    wrong = world.run("onsctl", "-w", "north", "jobs", expect=64)
    assert wrong.stderr == (
        "onsctl: there is no workspace north, but: east, west\n")


def test_commands_see_one_workspace(world: World) -> None:
    key = world.send("east")
    assert key in world.run("onsctl", "-w", "east", "jobs").stdout
    assert key not in world.run("onsctl", "-w", "west", "jobs").stdout
    world.run("ons-process", "--drain")
    assert world.run("onsctl", "-w", "east", "show", key).stdout
    world.run("onsctl", "-w", "west", "show", key, expect=65)


def test_init_and_maintain_are_for_each(world: World) -> None:
    made = world.run("onsctl", "init").stdout
    east, west = made.split("workspace west\n")
    assert east.startswith("workspace east\n")
    for part in (east, west):
        assert "calls: using database" in part
        assert "messages: using database" in part
    assert world.run("onsctl", "maintain").stdout == ""  # cron would mail it
    assert {row["workspace"] for row in world.cluster.rows(
        "SELECT workspace FROM chore WHERE summary <> ''")} == set(NAMES)


def test_what_is_to_be_typed_next_names_the_workspace(world: World) -> None:
    class Front(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(200)
            self.end_headers()

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Front)
    threading.Thread(target=server.serve_forever).start()
    try:
        said = world.run("onsctl", "-w", "west", "send-test", "--url",
                         f"http://127.0.0.1:{server.server_port}/").stdout
    finally:
        server.shutdown()
        server.server_close()
    assert said.count("onsctl ") == said.count("onsctl -w west ") == 2


def test_doctor_looks_at_each(world: World) -> None:
    said = world.run("onsctl", "doctor", expect=None).stdout
    east, west = said.split("workspace west\n")
    assert east.startswith("workspace east\n")
    for part in (east, west):
        assert re.search(r"^ok +openphone ", part, flags=re.M)
    done = world.run("onsctl", "--json", "doctor", expect=None)
    both = json.loads(done.stdout)["workspaces"]
    assert [one["workspace"] for one in both] == ["east", "west"]
    for one in both:
        assert {"check": "openphone", "status": "ok"}.items() <= next(
            check for check in one["result"]["checks"]
            if check["check"] == "openphone").items()


def test_what_fails_for_one_is_done_for_the_others(world: World) -> None:
    refused(world.accounts["east"])
    failed = world.run("onsctl", "init", expect=None)
    assert failed.returncode != 0
    assert "onsctl: workspace east: " in failed.stderr
    assert "workspace west" not in failed.stderr
    assert "calls: using" in failed.stdout.split("workspace west\n")[1]


def test_webhooks_are_for_the_path_of_the_workspace(world: World) -> None:
    secrets = world.cluster.folder / "secrets.east"
    section = "".join(
        line + "\n" for line in world.accounts["east"].section().splitlines()
        if not line.startswith("webhook.secrets"))
    config = world.variant(section, f"webhook.secrets_file = {secrets}\n",
                           world.accounts["west"].section())
    made = world.run("onsctl", "-w", "east", "webhooks", "create",
                     config=config)
    assert f"{deliver.WEBHOOK_PATH}/east\n" in made.stdout
    assert "whsec_" in secrets.read_text()
    none = world.run("onsctl", "-w", "west", "webhooks", config=config)
    assert "no webhooks" in none.stdout


def test_a_workspace_that_was_taken_away(world: World) -> None:
    """Its work is left, and told of."""
    key = world.send("east")
    config = world.variant(world.accounts["west"].section())
    world.run("ons-process", "--drain", config=config)
    assert key not in world.written("east")
    status = world.run("onsctl", "status", config=config).stdout
    assert ("TROUBLE     1 jobs of the workspace east, which the configuration"
            " does not have\n") in status
    world.run("ons-process", "--drain")
    assert key in world.written("east")


def test_pages_of_another_in_the_same_database(world: World) -> None:
    """They are the other's to keep up, not unknown ones of ours."""
    key = world.send("east")
    world.run("ons-process", "--drain")
    made = world.cluster.rows(
        "SELECT kind, database_id FROM destination WHERE workspace = 'east'")
    config = world.variant(
        world.accounts["east"].section().replace("[workspace east]",
                                                 "[workspace north]"),
        *(f"notion.{row['kind']}s_database = {row['database_id']}\n"
          for row in made))
    report = json.loads(world.run("onsctl", "reconcile", "--notion", "--json",
                                  config=config, expect=None).stdout)
    found = {finding["resource_id"] for finding in report["findings"]}
    assert not found & world.written("east")
    assert key in world.written("east")


def cell(head: str, line: str, title: str) -> str:
    """What stands in a line of a table under a title, to the right."""
    end = head.index(f" {title} ") + len(title) + 1
    return line[:end].rpartition(" ")[2]


def test_status_of_each_and_of_one(world: World) -> None:
    world.send("east")
    head, east, west = world.run("onsctl", "status").stdout.splitlines()
    assert east.startswith("east ") and west.startswith("west ")
    assert cell(head, east, "DUE") == "1" and cell(head, west, "DUE") == "0"
    assert "1 due" not in world.run("onsctl", "-w", "west", "status").stdout
    assert "1 due" in world.run("onsctl", "-w", "east", "status").stdout
    both = json.loads(world.run("onsctl", "--json", "status").stdout)
    assert [(one["workspace"], one["jobs"]) for one in both["workspaces"]] \
        == [("east", {"due": 1}), ("west", {})]
    [west] = json.loads(world.run("onsctl", "-w", "west", "--json",
                                  "status").stdout)["workspaces"]
    assert west["jobs"] == {} and west["troubles"] == []


def test_json_of_each_is_one_document(world: World) -> None:
    for command in (["init"], ["reconcile", "--notion"], ["maintain"]):
        done = world.run("onsctl", *command, "--json", expect=None)
        both = json.loads(done.stdout)["workspaces"]
        assert [one["workspace"] for one in both] == ["east", "west"]
        assert max(one["exit_status"] for one in both) == done.returncode < 2
        assert all(one["result"] for one in both)
    refused(world.accounts["east"])
    done = world.run("onsctl", "init", "--json", expect=77)
    world.accounts["east"].control("DELETE", "/faults")
    east, west = json.loads(done.stdout)["workspaces"]
    assert (east["exit_status"], east["result"]) == (77, None)
    assert len(west["result"]["databases"]) == 2


def test_the_configuration_is_checked_for_each(world: World) -> None:
    assert world.run("onsctl", "check-config").stdout.endswith(": good\n")
    config = world.variant(world.accounts["east"].section(),
                           "[workspace bare]\n")
    failed = world.run("onsctl", "check-config", config=config, expect=78)
    assert "set openphone.api_key" in failed.stderr
    assert "[workspace bare]" in failed.stderr
    assert "[workspace east]" not in failed.stderr
    shown = world.run("onsctl", "config").stdout
    assert "\n[workspace east]\n" in shown
    for account in world.accounts.values():
        assert account.env["NOTION_API_KEY"] not in shown


def test_workers_are_counted_for_each(world: World) -> None:
    config = world.variant(*(
        account.section() + "process.workers = 200\n"
        for account in world.accounts.values()))
    failed = world.run("ons-process", "--drain", config=config, expect=78)
    assert "more than 256 workers of all workspaces" in failed.stderr


# --- numbers ---

OURS = "+15550002222"  # the line of the deliveries
OTHER = "+15550003333"


def selecting(world: World, *lines: str) -> Path:
    return world.variant(world.accounts["east"].section(),
                         *(line + "\n" for line in lines),
                         world.accounts["west"].section())


def ignored(world: World) -> set[str]:
    return {row["resource_id"] for row in world.cluster.rows(
        "SELECT resource_id FROM v_ignored WHERE workspace = 'east'")}


def asked(world: World, service: str) -> int:
    stats = world.accounts["east"].control("GET", "/stats")
    return sum(stats["counts"].get(service, {}).values())


@pytest.mark.parametrize("event", [
    MESSAGE, CALL, "2026-03-30/call.completed", "v2/call.completed"])
@pytest.mark.parametrize("lines, page", [
    ((f"sync.numbers = {OURS}",), True),
    ((f"sync.numbers = {OTHER}\n  {OURS}",), True),
    ((f"sync.ignore = {OTHER}",), True),
    ((f"sync.numbers = {OTHER}",), False),
    ((f"sync.ignore = {OTHER} {OURS}",), False),
    ((f"sync.numbers = {OURS}", f"sync.ignore = {OURS}"), False)])
def test_numbers_select(world: World, lines: tuple[str, ...], page: bool,
                        event: str) -> None:
    key = world.send("east", event)
    before = asked(world, "notion")
    world.run("ons-process", "--drain", config=selecting(world, *lines))
    assert (key in world.written("east")) == page
    assert (key in ignored(world)) != page
    assert page or asked(world, "notion") == before
    assert world.cluster.rows("SELECT FROM v_jobs") == []
    view = "v_messages" if event == MESSAGE else "v_calls"
    column = "message_id" if event == MESSAGE else "call_id"
    assert world.cluster.rows(f"SELECT direction FROM {view}"
                              f" WHERE {column} = :'id'", id=key) == [
                                  {"direction": "incoming"}]


def test_what_is_certain_costs_no_request(world: World) -> None:
    world.send("east", "2026-03-30/call.completed")
    before = asked(world, "openphone")
    world.run("ons-process", "--drain",
              config=selecting(world, f"sync.ignore = {OURS}"))
    assert asked(world, "openphone") == before


def test_a_guess_waits_for_openphone(world: World) -> None:
    """While it cannot tell whose line it is, nothing is written that may have
    to be left out."""
    east = world.accounts["east"]
    envelope = world.stack.load(CALL, world.stack.fresh())
    line = "PN" + world.stack.fresh()
    envelope["data"]["object"]["phoneNumberId"] = line
    envelope["data"]["object"]["participants"] = [OTHER, "+15550004444", OURS]
    world.post(f"{deliver.WEBHOOK_PATH}/east", envelope, east.keys)
    key = deliver.resource_id(envelope)
    config = selecting(world, f"sync.ignore = {OURS}")
    east.control("POST", "/faults", {
        "service": "openphone", "times": -1, "status": 500})
    world.run("ons-process", "--drain", config=config)
    assert key not in world.written("east") | ignored(world)
    east.control("DELETE", "/faults")
    east.control("POST", "/openphone/numbers",
                 {"id": line, "name": "Line", "phoneNumber": OURS})
    psql(world.cluster.env, "UPDATE job SET run_at = now();"
         " DELETE FROM bucket;")
    world.run("ons-process", "--drain", config=config)
    assert key in ignored(world) - world.written("east")


def test_what_was_ignored_comes_by_replay(world: World) -> None:
    key = world.send("east")
    config = selecting(world, f"sync.ignore = {OURS}")
    world.run("ons-process", "--drain", config=config)
    assert key in ignored(world)
    status = world.run("onsctl", "-w", "east", "status").stdout
    assert f"ignored     {len(ignored(world))} calls and messages" in status
    found = world.run("onsctl", "-w", "east", "--json", "reconcile",
                      "--notion", expect=None)
    assert key not in found.stdout
    world.run("onsctl", "-w", "east", "replay", "--apply", key)
    world.run("ons-process", "--drain")
    assert key in world.written("east") - ignored(world)


def test_a_page_of_a_number_that_is_ignored_later_stays(world: World) -> None:
    key = world.send("east")
    world.run("ons-process", "--drain")
    page = world.cluster.rows("SELECT page_id, written_at FROM page"
                              " WHERE resource_id = :'id'", id=key)
    psql(world.cluster.env, "SELECT job_due('east', 'message', :'id', 0);",
         id=key)
    world.run("ons-process", "--drain",
              config=selecting(world, f"sync.ignore = {OURS}"))
    assert key in ignored(world)
    assert page == world.cluster.rows("SELECT page_id, written_at FROM page"
                                      " WHERE resource_id = :'id'", id=key)


# --- one path for several, by number ---

@pytest.fixture
def sharing(world: World, tmp_path: Path) -> Iterator[World]:
    """West takes part in what comes to the path of east: its numbers."""
    west = "".join(line + "\n" for line in
                   world.accounts["west"].section().splitlines()
                   if not line.startswith("webhook."))
    config = world.variant(
        world.accounts["east"].section(), west,
        "webhook.path_of = east\n", f"sync.numbers = {OTHER}\n")
    shared = World.__new__(World)
    shared.__dict__.update(world.__dict__, config=config)
    shared.responder = Both(world.stack, config, tmp_path)
    yield shared
    shared.responder.stop()


def moved_to(world: World, event: str, number: str) -> dict[str, Any]:
    """The event of a new resource and another of our numbers."""
    text = json.dumps(world.stack.load(event, world.stack.fresh()))
    if number != OURS:  # OpenPhone knows whose the line is
        text = text.replace(OURS, number).replace("PNtest01", "PNother")
    return json.loads(text)


def holders(world: World, key: str) -> set[str]:
    return {row["workspace"] for row in world.cluster.rows(
        "SELECT workspace FROM event WHERE resource_id = :'id'", id=key)}


def deliver_to_east(world: World, envelope: Any) -> str:
    answer = world.post(f"{deliver.WEBHOOK_PATH}/east", envelope,
                        world.accounts["east"].keys)
    assert answer.status == 200, answer.body
    return deliver.resource_id(envelope)


@pytest.mark.parametrize("event", [
    MESSAGE, "2026-03-30/call.completed", "v2/call.completed",
    "v3/message.received"])
@pytest.mark.parametrize("number, whose", [
    (OURS, "east"), (OTHER, "west"), ("+15550009999", "east")])
def test_by_number(sharing: World, number: str, whose: str,
                   event: str) -> None:
    key = deliver_to_east(sharing, moved_to(sharing, event, number))
    assert holders(sharing, key) == {whose}
    sharing.run("ons-process", "--drain")
    assert key in sharing.written(whose)


def test_a_guest_has_no_path(sharing: World) -> None:
    for method in ("GET", "POST"):
        assert fastcgi(sharing.responder.sock, method,
                       f"{deliver.WEBHOOK_PATH}/west").status == 404
    refused_ = sharing.run("onsctl", "-w", "west", "send-test", expect=78)
    assert "come in with those of east" in refused_.stderr


@pytest.mark.parametrize("first", ["summary", "call"])
@pytest.mark.parametrize("number, whose, other", [
    (OURS, "east", "west"), (OTHER, "west", "east")])
def test_what_does_not_tell_its_number(
        sharing: World, first: str, number: str, whose: str,
        other: str) -> None:
    """A summary names a call, no more; whichever comes first, it ends up on
    one page."""
    call = moved_to(sharing, "v2/call.completed", number)
    key = deliver.resource_id(call)
    summary = sharing.stack.load("v2/call.summary.completed",
                                 key.partition("-")[2])
    assert deliver.resource_id(summary) == key
    line = "PN" + sharing.stack.fresh()
    call["data"]["object"]["phoneNumberId"] = line
    for name in NAMES:  # the account is one
        sharing.accounts[name].control("POST", "/openphone/numbers", {
            "id": line, "name": "Line", "phoneNumber": number})
        sharing.accounts[name].control("POST", "/openphone/calls", {
            "id": key, "direction": "incoming", "status": "completed",
            "phoneNumberId": line, "participants": [
                {"phoneNumber": "+15550001111", "actorId": None},
                {"phoneNumber": number, "actorId": "UStest01"}]})
    for event in [call, summary] if first == "call" else [summary, call]:
        deliver_to_east(sharing, event)
        sharing.run("ons-process", "--drain")
    assert holders(sharing, key) == set(NAMES)
    assert key in sharing.written(whose)
    assert key not in sharing.written(other)


def test_contacts_are_of_all(sharing: World) -> None:
    envelope = sharing.stack.load("2026-03-30/contact.updated",
                                  sharing.stack.fresh())
    assert holders(sharing, deliver_to_east(sharing, envelope)) == set(NAMES)


def test_tasks_are_of_the_workspace_of_the_path(sharing: World) -> None:
    envelope = sharing.stack.load("2026-03-30/task.created",
                                  sharing.stack.fresh())
    assert holders(sharing, deliver_to_east(sharing, envelope)) == {"east"}


@pytest.mark.parametrize("name", NAMES)
def test_the_log_of_a_shared_path_is_nobodys(sharing: World,
                                             name: str) -> None:
    """A delivery in it may be the other's: it must not count as lost."""
    done = sharing.run("onsctl", "--json", "-w", name, "reconcile",
                       "--since", "1d", expect=None)
    assert json.loads(done.stdout)["deliveries"].endswith(
        "not read: several workspaces share the path")


def test_lists_of_the_account_are_sorted_by_number(sharing: World) -> None:
    """Both read all of them; neither takes what is the other's."""
    hour_ago = time.strftime("%Y-%m-%dT%H:%M:%S.000Z",
                             time.gmtime(time.time() - 3600))
    calls = {}
    for number, whose in ((OURS, "east"), (OTHER, "west")):
        calls[whose] = "AC" + sharing.stack.fresh()
        line = "PN" + sharing.stack.fresh()
        for name in NAMES:
            sharing.accounts[name].control("POST", "/openphone/numbers", {
                "id": line, "name": "Line", "phoneNumber": number})
            sharing.accounts[name].control("POST", "/openphone/calls", {
                "id": calls[whose], "direction": "incoming",
                "status": "completed", "phoneNumberId": line,
                "createdAt": hour_ago, "completedAt": hour_ago,
                "participants": [
                    {"phoneNumber": "+15550001111", "actorId": None},
                    {"phoneNumber": number, "actorId": "UStest01"}]})
    sharing.run("onsctl", "maintain")
    sharing.run("ons-process", "--drain")
    for whose, key in calls.items():
        assert sharing.cluster.rows(
            "SELECT workspace FROM resource WHERE id = :'id'", id=key) == [
                {"workspace": whose}]
        assert key in sharing.written(whose)
