"""The record: every request and its answer, one JSON object a line."""

from __future__ import annotations

import json
import re
import threading
from datetime import datetime
from pathlib import Path
from typing import Any

MASK = "***"


class Record:
    """An append-only file of JSON lines in which no token is readable."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.on = True
        self._lock = threading.Lock()
        self._secrets: list[str] = []
        # Half a surrogate pair cannot be written; its escape is good JSON.
        self._file = open(path, "a", encoding="utf-8",
                          errors="backslashreplace")

    def hide(self, secret: str) -> None:
        """Never let this value into the file, wherever it turns up."""
        with self._lock:
            self._secrets.append(secret)

    def write(self, arrived: datetime, service: str, method: str, path: str,
              headers: dict[str, str], body: Any, form: dict[str, Any] | None,
              status: int | None, response: Any) -> None:
        if not self.on:
            return
        entry = {
            "time": arrived.isoformat(
                timespec="milliseconds").replace("+00:00", "Z"),
            "service": service, "method": method, "path": path,
            "headers": {name: _masked(name, value)
                        for name, value in headers.items()},
            "body": body, "status": status, "response": response}
        if form is not None:
            entry["form"] = form
        line = json.dumps(entry, ensure_ascii=False)
        with self._lock:
            for secret in self._secrets:
                line = line.replace(secret, MASK)
            self._file.write(line + "\n")
            self._file.flush()

    def truncate(self) -> None:
        with self._lock:
            self._file.truncate(0)


def _masked(name: str, value: str) -> str:
    """Authorization without its token, but with its scheme: tests ask."""
    if name.lower() not in ("authorization", "proxy-authorization"):
        return value
    return re.sub(r"^(\w+ )?.*$", rf"\g<1>{MASK}", value)
