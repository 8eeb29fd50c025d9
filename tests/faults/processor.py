"""Cron's part, and the waiting until everything is done."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

from integration import Stack, children, psql


class Cron:
    """Keeps an ons-process running: when it ends, cron's next minute has come,
    and there is another."""

    def __init__(self, stack: Stack, *args: str, config: Path | None = None,
                 env: dict[str, str] | None = None,
                 log: Path | None = None) -> None:
        self.stack = stack
        self.args = args or ("--linger", "--workers", "2")
        self.config = config
        self.env = env
        self.log = log or stack.state / "log" / "processor.log"
        self._lock = threading.Lock()
        self._stopping = False
        self._child: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        with open(self.log, "ab") as log:
            while child := self._start(log):
                child.wait()
                time.sleep(0.05)

    def _start(self, log: Any) -> subprocess.Popen[bytes] | None:
        with self._lock:
            if self._stopping:
                return None
            self._child = self.stack.start(
                "ons-process", *self.args, config=self.config, env=self.env,
                stdout=log, stderr=log)
            return self._child

    def workers(self) -> list[int]:
        try:
            return children(self._child.pid) if self._child else []
        except FileNotFoundError:
            return []  # it has just ended

    def __enter__(self) -> Cron:
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        """SIGTERM, and nobody starts it again."""
        with self._lock:
            self._stopping = True
        if self._child:
            for pid in self.workers():
                os.kill(pid, signal.SIGCONT)
            self._child.send_signal(signal.SIGTERM)
        self._thread.join(30)
        assert not self._thread.is_alive()


# What waits to be looked for or tried again: time is compressed for it. How
# long a page, or blocks on it, may still come is decided by the time since the
# request.
PASS = """WITH passed AS (
    UPDATE job SET run_at = now()
     WHERE run_at > now() AND lease_by IS NULL AND NOT dead
       AND error_kind IN ('retry', 'unknown-outcome', 'died')
    RETURNING workspace, kind, resource_id)
UPDATE page SET intent_at = intent_at - interval '1 min',
                written_at = written_at - interval '1 min' FROM passed
 WHERE (page.workspace, page.kind, page.resource_id)
     = (passed.workspace, passed.kind, passed.resource_id);"""


def settle(stack: Stack, limit: float = 120) -> float:
    """Until no job is left that is not dead; what waits to be tried again has
    its time come soon. How long it took."""
    began = passed = time.monotonic()
    while stack.rows("SELECT FROM job WHERE NOT dead LIMIT 1"):
        now = time.monotonic()
        assert now < began + limit, stack.rows("SELECT * FROM job LIMIT 5")
        if now > passed + 0.3:
            passed = now
            psql(stack.env, PASS)
        time.sleep(0.03)
    return time.monotonic() - began


def finish(stack: Stack, config: Path | None = None) -> None:
    """One undisturbed start at the end, which reaps what is left."""
    stack.run("ons-process", "--drain", config=config)
