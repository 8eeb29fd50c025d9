"""A PostgreSQL and an ons-webhook of a test's own, to be stopped, frozen,
killed and filled up as it likes."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from conftest import (
    STACK, TROUBLE, Answer, Stack, children, psql, until)

import deliver
from disks import small_disk


def parse_cgi(text: str) -> Answer:
    """Status 0: there was no answer."""
    if not text:
        return Answer(0, {}, b"")
    head, _, body = text.replace("\r\n", "\n").partition("\n\n")
    fields = dict(line.split(": ", 1) for line in head.splitlines())
    status = int(fields.get("Status", "200").split()[0])
    return Answer(status, fields, body.encode())


def fastcgi(sock: str, method: str, path: str, body: bytes = b"",
            headers: dict[str, str] | None = None) -> Answer:
    """One request over FastCGI, without a web server (libfcgi's client)."""
    variables = {"REQUEST_METHOD": method, "SCRIPT_NAME": path,
                 "REQUEST_URI": path, "DOCUMENT_URI": path,
                 "CONTENT_LENGTH": str(len(body)), "PATH": os.environ["PATH"]}
    for name, value in (headers or {}).items():
        variables["HTTP_" + name.upper().replace("-", "_")] = value
    out = subprocess.run(["cgi-fcgi", "-bind", "-connect", sock], input=body,
                         env=variables, stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL, check=False)
    return parse_cgi(out.stdout.decode())


class Cluster:
    """A PostgreSQL with our tables in a short folder of its own."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        self.stack = stack
        self.folder = folder
        self.start()
        self.env = deliver.read_env(folder / "postgres.env")
        self.conninfo = (f"host={self.env['PGHOST']} dbname=postgres"
                         " user=postgres")

    def config(self, **changes: str | None) -> Path:
        """The stack's configuration for this PostgreSQL; one role does all."""
        roles: dict[str, str | None] = {
            f"database__{role}": None
            for role in ("webhook", "process", "portal", "owner")}
        return self.stack.variant(self.folder, **{
            **roles, "database__conninfo": self.conninfo,
            "webhook__spool": str(self.folder / "spool"), **changes})

    def _postgres(self, what: str) -> None:
        subprocess.run([STACK / "postgres.sh", what, self.folder], check=True)

    def start(self) -> None:
        self._postgres("start")

    def stop(self) -> None:
        """In order."""
        self._postgres("stop")

    def crash(self) -> None:
        """At once; it recovers from its log when it is started again."""
        self._postgres("crash")

    def _signal(self, number: int) -> None:
        pid = int((self.folder / "pids/postgres").read_text().split()[0])
        for each in (pid, *children(pid)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(each, number)

    def freeze(self) -> None:
        """It keeps connections, takes new ones, and answers nothing."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def rows(self, select: str, **values: Any) -> list[dict[str, Any]]:
        return json.loads(psql(self.env, "SELECT coalesce(json_agg(q), '[]')"
                               f" FROM ({select}) q;", **values))

    def resources(self) -> list[str]:
        """Those of all events, in the order in which they were stored."""
        return [row["resource_id"] for row in self.rows(
            "SELECT resource_id FROM event ORDER BY id")]


@contextlib.contextmanager
def private_cluster(stack: Stack, disk: str | None = None,
                    empty: bool = False) -> Iterator[Cluster]:
    """A running one; disk: the size of a disk that is its alone; empty: without
    our tables."""
    folder = Path(subprocess.check_output(
        ["mktemp", "-d", "/tmp/ons.XXXXXX"], text=True).strip())
    folder.chmod(0o755)
    (folder / "run").mkdir()
    with contextlib.ExitStack() as later:
        later.callback(subprocess.run, ["rm", "-rf", folder], check=True)
        if disk:
            later.enter_context(small_disk(folder / "run", disk))
        cluster = Cluster(stack, folder)
        later.callback(cluster.stop)
        later.callback(cluster.thaw)
        if not empty:
            stack.run("onsctl", "migrate", config=cluster.config())
        yield cluster


class Responder:
    """An ons-webhook on a socket of its own."""

    def __init__(self, stack: Stack, config: Path, folder: Path,
                 sock: str | None = None) -> None:
        self.stack = stack
        self.config = config
        self.sock = sock or str(folder / f"{stack.fresh()}.sock")
        self.log = Path(self.sock + ".log")
        self.start()

    def start(self) -> None:
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [Path(self.stack.env["ONS_BIN"]) / "ons-webhook", "-s",
                 self.sock], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={"ONS_CONFIG": str(self.config), "LANG": "C.UTF-8",
                     **{name: os.environ[name] for name in
                        ("ASAN_OPTIONS", "UBSAN_OPTIONS")
                        if name in os.environ}})
        try:
            until(lambda: self.answers())
        except BaseException:
            self.kill()
            raise

    def answers(self) -> bool:
        return fastcgi(self.sock, "GET", deliver.WEBHOOK_PATH).status == 200

    def post(self, envelope: Any) -> Answer:
        """One delivery, signed as the vendor does."""
        item = deliver.delivery("", envelope)
        return fastcgi(self.sock, "POST", deliver.WEBHOOK_PATH, item.body,
                       deliver.sign(item, self.stack.env))

    def health(self) -> Answer:
        return fastcgi(self.sock, "GET", "/health")

    def is_(self, status: str) -> bool:
        return self.health().json["status"] == status

    def kill(self) -> None:
        """As a power cut would, but for what the system has in memory."""
        inner = children(self.process.pid)
        self.process.kill()
        self.process.wait()
        for pid in inner:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for pid in inner:
            until(lambda: not os.path.exists(f"/proc/{pid}"))

    def stop(self) -> str:
        """In order; what it logged."""
        self.process.terminate()
        assert self.process.wait(20) == 0
        errors = self.log.read_text()
        assert not TROUBLE.search(errors), errors
        return errors


@contextlib.contextmanager
def private_responder(stack: Stack, config: Path,
                      folder: Path) -> Iterator[Responder]:
    responder = Responder(stack, config, folder)
    try:
        yield responder
        if responder.process.poll() is None:
            responder.stop()
    finally:
        if responder.process.poll() is None:
            responder.kill()
