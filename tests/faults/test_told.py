"""People are told of what is wrong, though who tells them is killed."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from failpoints import Failpoints
from integration import Stack, psql

SENT = "ons-process:alert.sent"


@pytest.fixture
def told(stack: Stack) -> Iterator[tuple[str, list[Any]]]:
    """An address, and what was posted to it; one job is dead."""
    found: list[Any] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            found.append(json.loads(self.rfile.read(length))["event"])
            self.send_response(204)
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever).start()
    clean = ("DELETE FROM alert; DELETE FROM chore WHERE name = 'alert';"
             " DELETE FROM job WHERE resource_id = 'ACtold';")
    psql(stack.env, clean + "INSERT INTO job (workspace, kind, resource_id,"
         " dead) VALUES ('default', 'call', 'ACtold', true);")
    yield f"http://127.0.0.1:{server.server_port}/", found
    psql(stack.env, clean)
    server.shutdown()
    server.server_close()


def test_killed_before_it_is_recorded(
        stack: Stack, failpoints: Failpoints, tmp_path: Path,
        told: tuple[str, list[Any]]) -> None:
    """Told again, for nobody knows that it was; then no more. The next one
    need not wait for a lease."""
    address, found = told
    config = stack.variant(tmp_path, alert__webhook=address,
                           alert__disk="0%",
                           webhook__spool=str(tmp_path / "spool"))
    failpoints.arm(SENT)
    log = stack.run("ons-process", "--drain", config=config).stderr
    assert failpoints.fired(SENT) and "killed by signal 9" in log
    assert found == ["begins"]
    for _ in range(2):
        stack.run("ons-process", "--drain", config=config)
        psql(stack.env, "UPDATE chore SET finished_at = NULL"
             " WHERE name = 'alert';")
    assert found == ["begins", "begins"]
