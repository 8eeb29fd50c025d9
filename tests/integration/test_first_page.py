"""From the installed programs to the first pages of two accounts: with the five
commands that README.md has, as it has them."""

from __future__ import annotations

import contextlib
import http.server
import os
import re
import shlex
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import TOP, Stack, clean_environment
from private import Cluster, fastcgi, private_cluster
from test_workspaces import NAMES, Account, Both


def the_commands() -> list[str]:
    """Those under the heading, one a line, without what is said of them."""
    readme = (TOP / "README.md").read_text()
    _, _, text = readme.partition("### 6. Five commands to the first page\n")
    block = re.search(r"\n\n((?:    .*\n)+)", text)
    assert block
    lines = block[1].replace("\\\n", "").splitlines()
    return [" ".join(shlex.split(line, comments=True)) for line in lines]


def test_there_are_five() -> None:
    assert len(the_commands()) == 5


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """Where they are installed, from wherever they were built."""
    built = Path(os.environ.get("ONS_TEST_BIN", TOP))
    if not (built / "Makefile").exists():
        return built
    subprocess.run(["make", "-C", built, "install", f"DESTDIR={tmp_path}"],
                   check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    [found] = tmp_path.glob("**/sbin")
    return found


@contextlib.contextmanager
def front(sock: str) -> Iterator[str]:
    """A front server before ons-webhook, as nginx is; its address."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = fastcgi(sock, "POST", self.path, body,
                             dict(self.headers.items()))
            self.send_response(answer.status or 502)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def accounts(tmp_path: Path) -> Iterator[dict[str, Account]]:
    made = {name: Account(name, tmp_path) for name in NAMES}
    yield made
    for account in made.values():
        account.stop()


def configuration(cluster: Cluster, accounts: dict[str, Account],
                  url: str) -> Path:
    """What a person has filled in: keys, no ids."""
    path = cluster.config(
        webhook__secrets=None, webhook__secrets_file=None,
        webhook__legacy_keys=None, openphone__api_key=None,
        notion__api_key=None, notion__parent_page=None, media__base_url=url)
    text = path.read_text()
    for name, account in accounts.items():
        section = re.sub(r"webhook\.\w+ = .*\n", "", account.section())
        text += f"{section}webhook.secrets_file = {cluster.folder}/{name}\n"
    path.write_text(text)
    return path


def test_five_commands(stack: Stack, programs: Path,
                       accounts: dict[str, Account]) -> None:
    with contextlib.ExitStack() as later:
        cluster = later.enter_context(private_cluster(stack, empty=True))
        sock = str(cluster.folder / "webhook.sock")
        url = later.enter_context(front(sock))
        config = configuration(cluster, accounts, url)
        env = clean_environment(ONS_CONFIG=str(config), SBIN=str(programs))
        for command in the_commands():
            if command.startswith("systemctl enable --now "):
                # each unit that it names is there
                assert all((TOP / "systemd" / unit).exists()
                           for unit in command.split()[3:])
                responder = Both(stack, config, cluster.folder, sock)
                later.callback(responder.stop)
                continue
            subprocess.run(
                ["bash", "-ec", 'ons() { "$SBIN/onsctl" "$@"; }\n' + command],
                env=env, check=True, timeout=120)
        # as cron starts it
        subprocess.run([programs / "ons-process", "--drain"], env=env,
                       check=True, timeout=120)
        for account in accounts.values():
            assert len(account.titles()) == 1
        # OpenPhone's own deliveries arrive, too
        done = subprocess.run([programs / "onsctl", "webhooks", "test"],
                              env=env, check=True, timeout=120,
                              stdout=subprocess.PIPE, text=True)
        assert done.stdout.count("arrived") == len(accounts)
