"""No secret is in any output: logs, messages, tables, the list of processes,
what a crash leaves behind. Each secret of the stack is random; a piece of ten
characters of one is one too many."""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import re
import resource
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import deliver
import pytest
from conftest import PSQL, Stack, children, clean_environment, psql, until
from private import Responder

pytestmark = [pytest.mark.usefixtures("known")]

CALL = "2026-03-30/call.completed"
MESSAGE = "2026-03-30/message.received"
RECORDING = "2026-03-30/call.recording.completed"
PASSWORD = "pw-8d1f0b7e5c3a"
PIECE = 10

COMMANDS = [
    ("doctor",), ("doctor", "--nagios"), ("status",), ("config",),
    ("check-config",), ("jobs",), ("webhooks", "list"), ("webhooks", "test"),
    ("init",), ("reconcile", "--notion"), ("maintain",), ("relink",),
    ("replay",), ("backfill", "--since", "2026-01-01"), ("send-test",),
    ("retry", "--dead"), ("show", "ACtest0001"),
]


def secrets(stack: Stack) -> dict[str, str]:
    names = ("OPENPHONE_API_KEY", "NOTION_API_KEY", "AWS_SECRET_ACCESS_KEY",
             "ONS_WEBHOOK_SECRET", "ONS_LEGACY_KEY")
    found = {name: stack.env[name].removeprefix("whsec_") for name in names}
    found["NOTION_API_KEY"] = \
        found["NOTION_API_KEY"].removeprefix("ntn_sandbox")
    assert all(len(secret) >= PIECE for secret in found.values())
    return {**found, "password": PASSWORD}


def leaks(secrets: dict[str, str], text: str) -> set[str]:
    """Whose pieces are in the text, plain or percent-encoded."""
    return {name for name, secret in secrets.items()
            for spelling in {secret, quote(secret, safe="")}
            for i in range(len(spelling) - PIECE + 1)
            if spelling[i:i + PIECE] in text}


class Echo(http.server.ThreadingHTTPServer):
    """A service that refuses all, and says what it was sent."""

    status = 400
    kind = "application/json"
    pad = 0  # so that the echo is cut somewhere

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Refusal)
        self.heard: set[str] = set()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Refusal(http.server.BaseHTTPRequestHandler):
    server: Echo

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        told = "x" * self.server.pad + "\n\x1b[2J".join(
            f"{name}: {value}" for name, value in self.headers.items())
        self.server.heard.add(self.headers.get("Authorization", ""))
        if self.server.kind == "application/json":
            body = json.dumps({
                "object": "error", "status": self.server.status,
                "code": told, "message": told, "title": told,
                "error": {"message": told}, "additional_data": {
                    "rate_limit_reason": told}})
        else:
            body = (f"<html><Error><Code>{told}</Code><Message>{told}"
                    f"</Message></Error>{told}</html>")
        self.send_response(self.server.status)
        self.send_header("Content-Type", self.server.kind)
        self.send_header("Content-Length", str(len(body.encode())))
        if self.server.status in (301, 302, 307):
            key = self.headers.get("Authorization", "").split()[-1]
            self.send_header("Location", f"{self.server.url}/{quote(key)}")
        if self.server.status == 429:
            self.send_header("Retry-After", "3600")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body.encode())

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = answer

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def echo() -> Iterator[Echo]:
    server = Echo()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def clean(stack: Stack) -> Iterator[None]:
    stack.process()
    yield
    psql(stack.env, "DELETE FROM job; DELETE FROM bucket; DELETE FROM trouble;"
         " DELETE FROM backfill_slice; DELETE FROM backfill;"
         " DELETE FROM attempt;"
         " DELETE FROM page WHERE state = 'intent';")


def database(stack: Stack) -> str:
    """All that is in the tables, as text."""
    return subprocess.run(
        [Path(PSQL).with_name("pg_dump"), "--data-only", "--inserts"],
        check=True, capture_output=True, text=True,
        env=clean_environment(**{name: value for name, value in
                                 stack.env.items() if name.startswith("PG")})
    ).stdout


def said_by(stack: Stack, config: Path, *command: str) -> str:
    done = stack.run(*command, config=config, expect=None)
    assert done.returncode >= 0
    return f"$ {command}: {done.returncode}\n{done.stdout}{done.stderr}"


def everything(stack: Stack, config: Path, log: Path, commands: Any,
               how: list[str]) -> str:
    """The commands and a processor, over this configuration."""
    stack.send(*(stack.load(name, stack.fresh())
                 for name in (CALL, MESSAGE, RECORDING)))
    text = said_by(stack, config, "ons-process", "--drain", "-w", "1")
    for command in commands:
        text += said_by(stack, config, "onsctl", *how, *command)
    return text + log.read_text() + database(stack)


@pytest.mark.parametrize("status,kind,pad,how", [
    (302, "text/html", 0, []), (302, "application/json", 0, ["--json"]),
    (400, "application/json", 0, []), (400, "application/json", 365, []),
    (401, "application/json", 365, ["--json"]), (401, "text/html", 0, []),
    (403, "application/json", 0, []), (404, "application/json", 0, []),
    (429, "application/json", 110, []), (503, "application/json", 365, [])])
def test_services_that_echo(stack: Stack, echo: Echo, tmp_path: Path,
                            status: int, kind: str, pad: int,
                            how: list[str]) -> None:
    echo.status, echo.kind, echo.pad = status, kind, pad
    log = tmp_path / "ons.log"
    database_ = re.search(r"^conninfo = (.*)$", stack.config.read_text(),
                          re.MULTILINE)
    assert database_
    config = stack.variant(
        tmp_path, log__level="debug", log__file=str(log),
        openphone__api_base=echo.url, notion__api_base=echo.url,
        s3__endpoint=echo.url, process__max_attempts="2",
        database__conninfo=f"{database_[1]} password={PASSWORD}")
    # people who started these wait for a service that is away
    commands = [command for command in COMMANDS if status != 503
                or command[0] not in ("init", "maintain", "reconcile")]
    text = everything(stack, config, log, commands, how)
    # they were asked, with the keys, and quoted
    heard = " ".join(echo.heard)
    assert stack.env["NOTION_API_KEY"] in heard
    assert stack.env["OPENPHONE_API_KEY"] in heard
    if kind == "application/json" and status in (400, 503) and not pad:
        assert "***" in text and "Authorization" in text
    assert not leaks(secrets(stack), text)
    assert "\x1b" not in text and "whsec_" not in text


def test_a_life(stack: Stack, tmp_path: Path) -> None:
    """Nothing goes wrong but deliveries, workers and readers."""
    log = tmp_path / "ons.log"
    config = stack.variant(tmp_path, log__level="debug", log__file=str(log))
    webhook = Responder(stack, config, stack.state / "run")
    call = stack.load(RECORDING, stack.fresh())
    processor = stack.start("ons-process", "--linger", config=config)
    try:
        key = deliver.resource_id(call)
        item = deliver.delivery("", call)
        for name, value in deliver.sign(item, stack.env).items():
            stack.request("POST", deliver.WEBHOOK_PATH, item.body,
                          {name: value + "x"})
        webhook.post(call)
        webhook.post({"not": "an event"})
        until(lambda: stack.rows("SELECT FROM v_pages WHERE resource_id ="
                                 " :'id' AND page_id IS NOT NULL", id=key))
        until(lambda: stack.rows("SELECT FROM v_links WHERE key LIKE"
                                 " '%' || :'id' || '%'", id=key))

        # lists of processes
        running = [processor.pid, webhook.process.pid]
        running += [pid for parent in running for pid in children(parent)]
        assert len(running) > 3
        listed = "".join(shown(pid, name) for pid in running
                         for name in ("cmdline", "environ", "comm"))
        assert "ons-process" in listed and not leaks(secrets(stack), listed)

        # a worker crashes, another one works
        os.kill(children(processor.pid)[0], signal.SIGSEGV)
        until(lambda: "killed by signal 11" in log.read_text())
    finally:
        errors = webhook.stop()
        processor.terminate()
        out, err = processor.communicate(timeout=20)
    said = "".join(said_by(stack, config, "onsctl", *json_, *command)
                   for command in COMMANDS for json_ in ((), ("--json",)))
    said += said_by(stack, config, "onsctl", "show", key)
    logs = "".join(path.read_text(errors="replace")
                   for path in stack.state.glob("log/*.log")
                   if path.name != "sandbox.log")
    text = errors + out.decode() + err.decode() + said + log.read_text() + logs
    assert not leaks(secrets(stack), text)
    assert not leaks(secrets(stack), database(stack))
    assert not re.search(r"whsec_|X-Amz-Signature", text)


def test_links_are_in_no_log(stack: Stack, tmp_path: Path) -> None:
    """Not nginx's either, when ons-portal is not there."""
    call = stack.load(RECORDING, stack.fresh())
    stack.send(call)
    stack.process()
    [row] = stack.rows("SELECT token FROM v_links WHERE key LIKE"
                       " '%' || :'id' || '%'", id=deliver.resource_id(call))
    socket_ = stack.state / "run" / "portal.sock"
    moved = socket_.with_suffix(".moved")
    assert stack.request("GET", f"/r/{row['token']}").status == 302
    socket_.rename(moved)
    parent = int((stack.state / "pids/portal").read_text().split()[0])
    os.kill(*children(parent), signal.SIGKILL)  # who has kept connections
    try:
        assert stack.request("GET", f"/r/{row['token']}/x.mp3").status == 503
    finally:
        moved.rename(socket_)
    assert stack.request("GET", f"/r/{row['token']}").status == 302
    for path in stack.state.glob("log/*.log"):
        if path.name != "sandbox.log":
            assert row["token"] not in path.read_text(errors="replace"), path


def broken(stack: Stack) -> list[list[str]]:
    """Lines in which a secret stands where it does not belong."""
    key = stack.env["NOTION_API_KEY"]
    signing = stack.env["ONS_WEBHOOK_SECRET"]
    legacy = stack.env["ONS_LEGACY_KEY"]
    return [
        ["[webhook]", f"path = {signing}"],
        ["[process]", f"workers = {key}"],
        ["[process]", f"lease = {key}"],
        ["[media]", f"store = {key}"],
        ["[media]", f"allow_http = {key}"],
        ["[media]", f"max_size = {key}"],
        ["[sync]", f"numbers = {key}"],
        ["[notion]", f"api_key_file = {key}"],
        ["[webhook]", f"secrets_file = {signing}"],
        ["[webhook]", f"{legacy} = x"],
        [f"{legacy} = x"],
        ["[webhook]", f"secrets = {signing[:-8]}!"],
        ["[webhook]", f"secrets = {signing} {signing[:-8]}!"],
        ["[webhook]", f"legacy_keys = {legacy[:-9]}!"],
        ["[notion]", f"api_key = {key}", f"api_key = {key}"],
        ["[database]", f"conninfo = host=x password={PASSWORD} and more"],
        ["[database]", f"conninfo = postgresql://u:{PASSWORD}@h:port/x?y"],
        ["[database]", f"conninfo = postgresql://u:{PASSWORD}@[h"],
        ["[database]", f"conninfo = host=/nowhere password={PASSWORD}"],
        ["[log]", f"level = {key}"],
    ]


def test_a_bad_secret_is_not_quoted(stack: Stack, tmp_path: Path) -> None:
    for i, lines in enumerate(broken(stack)):
        path = tmp_path / f"{i}.conf"
        path.touch(0o600)
        path.write_text("\n".join(lines) + "\n")
        for command in (("onsctl", "check-config"), ("onsctl", "status"),
                        ("onsctl", "config"), ("onsctl", "doctor"),
                        ("ons-process",), ("ons-webhook", "-s", "/x/y")):
            done = stack.run(*command, config=path, expect=None)
            text = done.stdout + done.stderr
            if "config" not in command[-1]:
                assert done.returncode != 0, (lines, command)
            assert not leaks(secrets(stack), text), (lines, command, text)


def cores_wanted() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY,) * 2)


def shown(pid: int, name: str) -> str:
    """What a list of processes has of it. Nobody but root may look into the
    environment of a program that makes no core."""
    try:
        return Path(f"/proc/{pid}/{name}").read_text()
    except PermissionError:
        assert name == "environ" and os.getuid() != 0
        return ""


def crash(child: subprocess.Popen[bytes]) -> bool:
    """Did it leave a core?"""
    child.send_signal(signal.SIGSEGV)
    _, status = os.waitpid(child.pid, 0)
    child.returncode = -signal.SIGSEGV
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGSEGV
    return os.WCOREDUMP(status)


def test_no_core(stack: Stack, tmp_path: Path) -> None:
    """A program that crashes leaves no memory behind."""
    if resource.getrlimit(resource.RLIMIT_CORE)[1] == 0:
        pytest.skip("no cores here, of whatever program")
    options: dict[str, Any] = {"cwd": tmp_path, "preexec_fn": cores_wanted}
    sleeper = subprocess.Popen(["sleep", "60"], **options)
    until(lambda: os.readlink(f"/proc/{sleeper.pid}/exe").endswith("sleep"))
    if not crash(sleeper):
        pytest.skip("no cores here, of whatever program")
    for path in tmp_path.glob("core*"):
        path.unlink()

    # who waits for this database waits for ever
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    config = stack.variant(
        tmp_path, database__conninfo=f"host=127.0.0.1 port={port} dbname=x",
        database__timeout="60s")
    with listener, contextlib.ExitStack() as held:
        for program, *args in (
                ("onsctl", "status"), ("ons-process", "--drain"),
                ("ons-portal", "-s", str(tmp_path / "portal.sock")),
                ("ons-webhook", "-s", str(tmp_path / "webhook.sock"))):
            child = stack.start(program, *args, config=config, **options)
            if args[0] == "-s":
                until(lambda: Path(args[1]).exists() and children(child.pid))
            else:
                held.enter_context(listener.accept()[0])
            inner = children(child.pid)
            assert not crash(child), program
            for pid in inner:  # their parent is gone, so they end
                until(lambda: not Path(f"/proc/{pid}").exists()
                      or " Z " in Path(f"/proc/{pid}/stat").read_text())
    assert not list(tmp_path.glob("core*"))
