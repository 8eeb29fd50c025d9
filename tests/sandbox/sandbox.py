#!/usr/bin/python3
"""OpenPhone and Notion on loopback ports, as strict as the real ones.

usage: sandbox.py --state DIR [--record FILE]

When everything listens, DIR/sandbox.env holds where, as shell assignments, and
DIR/sandbox.pid the process id.  SIGTERM and SIGINT end it.  What can be done to
the services while they run is in control.py.
"""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import sys
import threading
from pathlib import Path

from control import Control
from faults import Faults
from http_service import Server, Stats
from media import Media
from notion import Notion
from openphone import OpenPhone
from openphone_store import World
from record import Record


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--state", type=Path, required=True, metavar="DIR",
                        help="where sandbox.env and sandbox.pid go")
    parser.add_argument("--record", type=Path, metavar="FILE",
                        help="where requests go (DIR/record.ndjson)")
    options = parser.parse_args()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())

    options.state.mkdir(parents=True, exist_ok=True)
    notes = [options.state / name for name in ("sandbox.env", "sandbox.pid")]
    notes[0].unlink(missing_ok=True)  # left by one that was killed
    record_path = (options.record or options.state / "record.ndjson").resolve()
    environment, servers = start(record_path)
    write_atomically(notes[1], f"{os.getpid()}\n")
    write_atomically(notes[0], "".join(
        f"{name}={shlex.quote(value)}\n"
        for name, value in environment.items()))
    stop.wait()
    for server in servers:
        server.shutdown()
        server.server_close()
    for note in notes:
        note.unlink(missing_ok=True)
    return 0


def start(record_path: Path) -> tuple[dict[str, str], list[Server]]:
    """Start all services; returns what a client has to know."""
    record, faults, stats = Record(record_path), Faults(), Stats()
    media = Media()
    notion = Notion(media)
    openphone = OpenPhone(World(), record)
    record.hide(notion.token)
    record.hide(openphone.key)
    control = Server(Control(notion, openphone, media, faults, record, stats))
    hosts = {service.name: Server(service, faults, record, stats)
             for service in (notion, openphone, media)}
    notion.base = hosts["notion"].url
    media.base = hosts["media"].url
    servers = [control, *hosts.values()]
    for server in servers:
        server.start()
    return {"SANDBOX_URL": control.url,
            "SANDBOX_MEDIA": media.base,
            "SANDBOX_RECORD": str(record_path),
            "NOTION_API_BASE": notion.base,
            "NOTION_API_KEY": notion.token,
            "NOTION_PARENT_PAGE": notion.root_id,
            "OPENPHONE_API_BASE": hosts["openphone"].url,
            "OPENPHONE_API_KEY": openphone.key}, servers


def write_atomically(path: Path, text: str) -> None:
    """Readers see all of it or nothing; it holds keys, so nobody else does."""
    draft = path.with_name(path.name + ".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    draft.rename(path)


if __name__ == "__main__":
    sys.exit(main())
