"""What the integration tests share: the private stack, brought up once.

ONS_TEST_BIN names the folder of the programs to test (default: the tree, built
by quickstart.sh), ONS_TEST_STACKS that for the stacks' folders (default: /tmp). Tests that also run with programs built with sanitizers
carry the mark `sanitize`.
"""

from __future__ import annotations

import glob
import http.client
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

TOP = Path(__file__).resolve().parents[2]
STACK = TOP / "tests" / "stack"
DELIVERIES = TOP / "tests" / "deliveries"
sys.path.insert(0, str(STACK))

import deliver  # noqa: E402  (found by the line above)

PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
TROUBLE = re.compile(r"AddressSanitizer|LeakSanitizer|runtime error:")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "sanitize: also run with programs built with sanitizers")
    # as at Ctrl-C: what was started is stopped
    signal.signal(signal.SIGTERM, signal.default_int_handler)


# None of these is to be begun when all others are done.
LONGEST = ("test_once", "test_reconcile", "test_troubles", "test_workspaces")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.stem not in LONGEST)


class Answer:
    """A program's or server's answer to an HTTP request."""

    def __init__(self, status: int, headers: Any, body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def clean_environment(**more: str) -> dict[str, str]:
    """Nothing of the caller's but what sanitizers and fail points are told."""
    kept = {name: os.environ[name] for name in (
        "ASAN_OPTIONS", "UBSAN_OPTIONS", "ONS_FAILPOINTS")
        if name in os.environ}
    return {"PATH": PATH, "HOME": "/nonexistent", "LANG": "C.UTF-8",
            **kept, **more}


class Stack:
    """A running stack and what a test may want of it."""

    _numbers = itertools.count(1)

    def __init__(self, state: Path) -> None:
        self.state = state
        self.env = deliver.read_env(state / "env")
        self.config = Path(self.env["ONS_CONFIG"])
        self.url = self.env["ONS_URL"]

    # --- programs ---

    def start(self, program: str, *args: str, config: Path | None = None,
              env: dict[str, str] | None = None,
              **options: Any) -> subprocess.Popen[bytes]:
        path = Path(self.env["ONS_BIN"]) / program
        return subprocess.Popen(
            [path, *args],
            env=clean_environment(ONS_CONFIG=str(config or self.config),
                                  **env or {}),
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE,
               **options})

    def run(self, program: str, *args: str, expect: int | None = 0,
            config: Path | None = None, env: dict[str, str] | None = None,
            input: bytes = b"") -> subprocess.CompletedProcess[str]:
        """Run a program to its end; by default it must succeed."""
        child = self.start(program, *args, config=config, env=env,
                           stdin=subprocess.PIPE)
        try:
            out, err = child.communicate(input, timeout=120)
        except subprocess.TimeoutExpired:
            child.kill()
            raise
        done = subprocess.CompletedProcess(
            child.args, child.returncode, out.decode(), err.decode())
        assert not TROUBLE.search(done.stderr), done.stderr
        assert expect is None or done.returncode == expect, \
            f"{program} {args}: exit status {done.returncode}\n{done.stderr}"
        return done

    def process(self) -> None:
        """Do all work that is due now."""
        self.run("ons-process", "--drain")

    def variant(self, folder: Path, **changes: str | None) -> Path:
        """The configuration with keys changed, as section__key=value; None
        takes the key out."""
        lines, section, left = [], "", dict(changes)
        for line in self.config.read_text().splitlines():
            if line.startswith("["):
                section = line.strip("[] ")
            name = f"{section}__{line.partition('=')[0].strip()}"
            if name not in changes:
                lines.append(line)
            if line.startswith("["):
                for name in [n for n in left if n.startswith(section + "__")]:
                    if (value := left.pop(name)) is not None:
                        key = name.removeprefix(section + "__")
                        lines.append(f"{key} = {value}")
        for name, value in left.items():
            if value is not None:
                section, _, key = name.partition("__")
                lines += [f"[{section}]", f"{key} = {value}"]
        path = folder / f"variant-{next(self._numbers)}.conf"
        path.touch(0o600)
        path.write_text("\n".join(lines) + "\n")
        return path

    # --- HTTP ---

    def request(self, method: str, path: str, body: bytes | None = None,
                headers: dict[str, str] | None = None) -> Answer:
        """One request to nginx."""
        return request(self.url + path, method, body, headers)

    def control(self, method: str, path: str, data: Any = None) -> Any:
        """One request to the sandbox's control port."""
        body = None if data is None else json.dumps(data).encode()
        answer = request(self.env["SANDBOX_URL"] + path, method, body,
                         {"Content-Type": "application/json"} if body else {})
        assert answer.status < 300, (path, answer.status, answer.body)
        return json.loads(answer.body or b"null")

    # --- deliveries ---

    def load(self, name: str, fresh: str | None = None) -> dict[str, Any]:
        """A delivery of the collection ("v4/call.ringing"); with fresh, of a
        resource of its own, whose ids end in it."""
        envelope = deliver.load(DELIVERIES / f"{name}.json",
                                self.env.get("SANDBOX_MEDIA", ""))
        return deliver.copy_of(envelope, fresh) if fresh else envelope

    def fresh(self) -> str:
        """A suffix for ids that no other test uses."""
        return f"t{next(self._numbers)}"

    def send(self, *envelopes: Any, connections: int = 1) -> None:
        """Deliver; every delivery must be accepted."""
        items = [deliver.delivery(str(number), envelope)
                 for number, envelope in enumerate(envelopes)]
        answers = deliver.send(items, self.env, connections)
        assert len(answers) == len(items)
        refused = [a for a in answers if not a.accepted]
        assert not refused, refused[:3]

    # --- what came of it ---

    def rows(self, select: str, **values: Any) -> list[dict[str, Any]]:
        """Rows of a SELECT, as the server turns them into JSON."""
        return json.loads(psql(self.env, "SELECT coalesce(json_agg(q), '[]')"
                               f" FROM ({select}) q;", **values))

    def count(self, table: str = "event") -> int:
        return self.rows(f"SELECT count(*) FROM {table}")[0]["count"]

    def page(self, resource_id: str) -> dict[str, Any]:
        """The page in Notion of a call or message, with its blocks."""
        found = self.rows("SELECT page_id FROM v_pages"
                          " WHERE resource_id = :'id'", id=resource_id)
        assert len(found) == 1 and found[0]["page_id"], found
        return self.control("GET", f"/notion/pages/{found[0]['page_id']}")

    def object(self, key: str) -> bytes:
        """The bytes of an object in S3."""
        return subprocess.run([STACK / "s3.sh", "get", self.state, key],
                              check=True, stdout=subprocess.PIPE).stdout


def request(url: str, method: str = "GET", body: bytes | None = None,
            headers: dict[str, str] | None = None) -> Answer:
    """One HTTP request; redirects are answers like any other."""
    parts = urlsplit(url)
    peer = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
    try:
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        peer.request(method, path or "/", body, headers or {})
        response = peer.getresponse()
        return Answer(response.status, response.headers, response.read())
    finally:
        peer.close()


def until(what: Callable[[], Any], limit: float = 60) -> Any:
    """What it says, once that is true of anything."""
    end = time.monotonic() + limit
    while not (found := what()):
        assert time.monotonic() < end, "it does not happen"
        time.sleep(0.05)
    return found


def asked(stack: Stack, service: str, begin: int = 0) -> list[
        tuple[float, dict[str, Any]]]:
    """The requests to one of the sandbox's services, and when they came;
    begin: where its record ended before."""
    with open(stack.env["SANDBOX_RECORD"], encoding="utf-8") as file:
        file.seek(begin)
        entries = [json.loads(line) for line in file]
    return [(datetime.fromisoformat(
        one["time"].replace("Z", "+00:00")).timestamp(), one)
        for one in entries if one["service"] == service]


def share_used(moments: list[float], limit: int, window: float) -> float:
    """How much of the allowed rate requests at these moments have used."""
    # the last window is not a whole one: what came before it took this long
    span = moments[-limit] - moments[0]
    return (len(moments) - limit) / (span * limit / window)


def children(pid: int) -> list[int]:
    path = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in path.read_text().split()]


def peak(pid: int) -> int:
    """Most memory (KiB) that the process ever had."""
    found = re.search(r"^VmHWM:\s+(\d+) kB$",
                      Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert found
    return int(found[1])


# Debian's /usr/bin/psql is a script in Perl that looks for this one, each time.
PSQL = max(glob.glob("/usr/lib/postgresql/*/bin/psql"), default="psql",
           key=lambda path: int(path.split("/")[4]))


def psql(env: dict[str, str], script: str, **values: Any) -> str:
    """What psql prints; :'name' in the script stands for a value."""
    done = subprocess.run(
        [PSQL, "-XqAt", "--set=ON_ERROR_STOP=1",
         *(f"--set={name}={value}" for name, value in values.items())],
        input=script, text=True, capture_output=True, check=False,
        env=clean_environment(**{name: value for name, value in env.items()
                                 if name.startswith("PG")}))
    assert done.returncode == 0, done.stderr
    return done.stdout


def blocks(page: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """All blocks of a page, parents before their children."""
    waiting = list(page.get("children") or page.get("blocks") or [])
    while waiting:
        block = waiting.pop(0)
        yield block
        waiting[:0] = block.get("children") or \
            block[block["type"]].get("children") or []


def texts(page: dict[str, Any]) -> str:
    """All text of a page's body, a line a block."""
    return "\n".join(
        "".join(item.get("plain_text") or item["text"]["content"]
                for field in ("rich_text", "caption")
                for item in block[block["type"]].get(field) or [])
        for block in blocks(page))


def title(page: dict[str, Any]) -> str:
    for value in page["properties"].values():
        if value["type"] == "title":
            return "".join(item["plain_text"] for item in value["title"])
    raise AssertionError("a page without a title property")


def keep_logs(state: Path) -> None:
    """Beside those of quickstart.sh check, for who looks for the cause of a
    failure."""
    if folder := os.environ.get("ONS_TEST_STACKS"):
        kept = Path(folder).parent / "log" / state.name
        shutil.copytree(state / "log", kept)
        shutil.copy(state / "sandbox.ndjson", kept)


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """The stack, with rates that keep no test waiting."""
    state = Path(tempfile.mkdtemp(prefix="ons-test.",
                                  dir=os.environ.get("ONS_TEST_STACKS")))
    bin_ = os.environ.get("ONS_TEST_BIN")
    started = subprocess.run(
        [TOP / "quickstart.sh", "up", "--state", state,
         *(["--bin", bin_] if bin_ else [])],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if started.returncode != 0:
        logs = "".join(f"\n--- {log.name}\n{log.read_text()[-2000:]}"
                       for log in sorted(state.glob("log/*")))
        pytest.exit(f"the stack did not start:\n{started.stdout}{logs}", 1)
    try:
        running = Stack(state)
        fast = running.variant(state, notion__rate="1000000",
                               openphone__rate="100000")
        fast.replace(running.config)
        unlimited = {"limit": 1000000, "window": 1}
        running.control("POST", "/limits",
                        {"notion": unlimited, "openphone": unlimited})
        yield running
    finally:
        subprocess.run([TOP / "quickstart.sh", "down", "--state", state],
                       check=True)
        if request.session.testsfailed:
            keep_logs(state)
    for log in state.glob("log/*.log"):
        assert not TROUBLE.search(log.read_text(errors="replace")), log
    shutil.rmtree(state)


# What `quickstart.sh up` has made, and onsctl init.
KEPT = ("migration", "destination", "forgetting_salt")


@pytest.fixture(scope="module", autouse=True)
def new_file(request: pytest.FixtureRequest) -> None:
    """A file begins with tables, databases and a record in which there is
    nothing, as if it were the first: what others have left would make it
    slower, and what it does depend on them."""
    if not any("stack" in item.fixturenames for item in request.session.items
               if item.getparent(pytest.Module) is request.node):
        return
    stack = request.getfixturevalue("stack")
    stack.control("DELETE", "/notion/pages")
    if not request.session.testsfailed:  # else people want to see it
        stack.control("DELETE", "/record")
    psql(stack.env, f"""
        SELECT 'TRUNCATE ' || string_agg(oid::regclass::text, ', ')
          FROM pg_class
         WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
           AND NOT relispartition AND relname NOT IN {KEPT} \\gexec""")


@pytest.fixture(autouse=True)
def settled(request: pytest.FixtureRequest) -> None:
    """Parts that other tests' calls lack are asked for after a minute or more,
    and a key that was refused is tried again: not in the midst of this one."""
    if "stack" in request.fixturenames:
        psql(request.getfixturevalue("stack").env, "UPDATE resource"
             " SET recheck_at = NULL WHERE recheck_at IS NOT NULL;"
             " DELETE FROM trouble WHERE service = 'openphone';")


@pytest.fixture
def keep_destinations(stack: Stack) -> Any:
    """What a test sets up in Notion is not for the tests after it."""
    psql(stack.env, "CREATE TABLE kept AS SELECT * FROM destination;")
    yield
    psql(stack.env, "BEGIN; DELETE FROM destination; INSERT INTO destination"
         " SELECT * FROM kept; DROP TABLE kept; COMMIT;")


@pytest.fixture
def known(stack: Stack) -> None:
    """Whatever other tests have done to the databases: all their pages are in
    our tables, so none is looked for before it is made."""
    psql(stack.env, "UPDATE destination SET known_in = incarnation();")
